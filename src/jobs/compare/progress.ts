/** Reports the stages of a comparison, each with the time ahead. */
import type { CompareEvent } from './events.ts';
import { Outlook } from './outlook.ts';

/** What is reported at the start of a stage: `done` of `total` stages of its kind are finished. */
export interface StageReport {
  readonly name: string;
  readonly done?: number;
  readonly total?: number;
}

export class CompareProgress {
  readonly #onEvent: ((event: CompareEvent) => void) | undefined;
  readonly #now: () => number;
  #outlook = new Outlook(new Map());

  /** @param now milliseconds of a steady clock */
  constructor(onEvent: ((event: CompareEvent) => void) | undefined, now: () => number) {
    this.#onEvent = onEvent;
    this.#now = now;
  }

  emit(event: CompareEvent): void {
    this.#onEvent?.(event);
  }

  /** @param stages the expected seconds of each stage, by key */
  forecast(stages: ReadonlyMap<string, number>): void {
    this.#outlook = new Outlook(stages);
    this.emit({ type: 'forecast', seconds: this.#outlook.seconds, stages: stages.size });
  }

  /** Reports the start of a stage, does its work, and corrects the outlook by the time it took. */
  async stage<T>(key: string, { name, done = 0, total = 0 }: StageReport, work: () => Promise<T>): Promise<T> {
    this.emit({ type: 'stage', name, done, total, ahead: this.#outlook.ahead(key) });
    const begun = this.#now();
    const result = await work();
    this.#outlook.ended(key, (this.#now() - begun) / 1000);
    return result;
  }
}
