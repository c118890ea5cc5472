/** The time a comparison has left, from the forecast of its stages and the time that stages have taken so far. */

/** Seconds left at the start of a stage: for the stage, and for all stages after it. */
export interface TimeAhead {
  readonly stage: number;
  readonly after: number;
}

/** How far a whole comparison may be from its forecast: answers may end early, and machines are shared. */
const RANGE = { low: 0.5, high: 2 };

/**
 * This share of the whole counts as having gone as forecast, so that one short first stage does not skew the estimate.
 */
const TRUST = 0.1;

export class Outlook {
  readonly #ahead: Map<string, number>;
  readonly #total: number;
  #foreseen = 0;
  #took = 0;

  /** @param stages the forecast seconds of each stage, by key */
  constructor(stages: ReadonlyMap<string, number>) {
    this.#ahead = new Map(stages);
    this.#total = [...stages.values()].reduce((a, b) => a + b, 0);
  }

  get seconds(): { readonly low: number; readonly likely: number; readonly high: number } {
    return { low: RANGE.low * this.#total, likely: this.#total, high: RANGE.high * this.#total };
  }

  /** The time ahead at the start of a stage. */
  ahead(key: string): TimeAhead {
    const factor = this.#factor;
    const stage = this.#ahead.get(key) ?? 0;
    let after = -stage;
    for (const seconds of this.#ahead.values()) after += seconds;
    return { stage: stage * factor, after: Math.max(0, after) * factor };
  }

  /** Records that a stage has ended after `took` seconds. */
  ended(key: string, took: number): void {
    const foreseen = this.#ahead.get(key);
    if (foreseen === undefined) return;
    this.#ahead.delete(key);
    this.#foreseen += foreseen;
    this.#took += took;
  }

  /** How many times longer than forecast the stages took. */
  get #factor(): number {
    const trust = TRUST * this.#total;
    return trust > 0 ? (trust + this.#took) / (trust + this.#foreseen) : 1;
  }
}
