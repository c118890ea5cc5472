/** The time a comparison has left, from what was foreseen of its stages and what they took so far. */

/** Seconds from the beginning of a stage: of the stage, and of all that come after it. */
export interface TimeAhead {
  readonly stage: number;
  readonly after: number;
}

/** How far a whole comparison may be from its forecast: answers end sooner than they may, and machines are shared. */
const RANGE = { low: 0.5, high: 2 };

/** So much of the whole counts as having gone as foreseen, so that the first short stage does not decide all. */
const TRUST = 0.1;

export class Outlook {
  readonly #ahead: Map<string, number>;
  readonly #total: number;
  #foreseen = 0;
  #took = 0;

  /** @param stages seconds foreseen of each, by key */
  constructor(stages: ReadonlyMap<string, number>) {
    this.#ahead = new Map(stages);
    this.#total = [...stages.values()].reduce((a, b) => a + b, 0);
  }

  get seconds(): { readonly low: number; readonly likely: number; readonly high: number } {
    return { low: RANGE.low * this.#total, likely: this.#total, high: RANGE.high * this.#total };
  }

  /** What is ahead as a stage begins. */
  ahead(key: string): TimeAhead {
    const factor = this.#factor;
    const stage = this.#ahead.get(key) ?? 0;
    let after = -stage;
    for (const seconds of this.#ahead.values()) after += seconds;
    return { stage: stage * factor, after: Math.max(0, after) * factor };
  }

  /** A stage has ended after so many seconds. */
  ended(key: string, took: number): void {
    const foreseen = this.#ahead.get(key);
    if (foreseen === undefined) return;
    this.#ahead.delete(key);
    this.#foreseen += foreseen;
    this.#took += took;
  }

  /** How much longer stages took than was foreseen. */
  get #factor(): number {
    const trust = TRUST * this.#total;
    return trust > 0 ? (trust + this.#took) / (trust + this.#foreseen) : 1;
  }
}
