/** How long work has left, judged by what is done. */
import { duration } from '../common/duration.ts';
import { megabytes } from '../hub/download.ts';

/** Time left from the work done so far. */
export class TimeLeft {
  readonly #now: () => number;
  readonly #start: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  /** Such as `3 min left`; empty until there is something to judge by. */
  after(done: number, total: number): string {
    const left = this.millisecondsAfter(done, total);
    return left === undefined ? '' : `${duration(left / 1000)} left`;
  }

  millisecondsAfter(done: number, total: number): number | undefined {
    const elapsed = this.#now() - this.#start;
    return done === 0 || elapsed < 1_000 ? undefined : (elapsed / done) * (total - done);
  }
}

/** Time left of work in stages, in one of them. */
export class TotalLeft {
  readonly #now: () => number;
  readonly #start: number;
  readonly #ahead: { readonly stage: number; readonly after: number };

  /** @param ahead seconds of this stage as it begins, and of those after it */
  constructor(ahead: { readonly stage: number; readonly after: number }, now: () => number = () => performance.now()) {
    this.#ahead = ahead;
    this.#now = now;
    this.#start = now();
  }

  /**
   * Such as `in all about 12 min left`. A stage that takes longer than was foreseen has what its present piece of work has
   * left, at least.
   */
  text(piece: TimeLeft, done: number, total: number): string {
    const elapsed = (this.#now() - this.#start) / 1000;
    const ofPiece = (piece.millisecondsAfter(done, total) ?? 0) / 1000;
    const left = Math.max(this.#ahead.stage - elapsed, ofPiece, 0) + this.#ahead.after;
    return `in all about ${duration(left)} left`;
  }
}

/** Such as `12.0 of 269.1 MB  3 min left`: bytes there are, there will be where that is known, and were before. */
export function transferLine(left: TimeLeft, done: number, total: number | undefined, before: number): string {
  if (total === undefined) return `${megabytes(done)} MB`;
  return `${megabytes(done)} of ${megabytes(total)} MB  ${left.after(done - before, total - before)}`;
}
