/** What a person sees: results on standard output, everything else on standard error. */
import pc from 'picocolors';
import { printableLines } from '../common/printable.ts';
import { asFlags } from '../common/wording.ts';
import { megabytes } from '../hub/download.ts';

export interface Terminal {
  /** A result line, on standard output. */
  print(text: string): void;
  /** A line about the work, on standard error; settings it names are shown as flags. */
  say(text: string): void;
  /** Replaces the progress line on a terminal; elsewhere prints it now and then. */
  progress(text: string): void;
  /** Text without a line break, for streams. */
  write(text: string): void;
}

/** Where there is no terminal, a progress line at most this often, in milliseconds. */
const PLAIN_INTERVAL = 5_000;

export function terminal(now: () => number = () => performance.now()): Terminal {
  const isTerminal = process.stderr.isTTY === true;
  let pending = false;
  let lastPlain = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (pending) process.stderr.write('\r\u001b[2K');
    pending = false;
  };
  return {
    print(text) {
      clear();
      process.stdout.write(`${printableLines(text)}\n`);
    },
    say(text) {
      clear();
      process.stderr.write(`${printableLines(asFlags(text))}\n`);
    },
    progress(text) {
      if (isTerminal) {
        clear();
        process.stderr.write(pc.dim(printableLines(text).slice(0, (process.stderr.columns || 80) - 1)));
        pending = true;
      } else if (now() - lastPlain >= PLAIN_INTERVAL) {
        lastPlain = now();
        process.stderr.write(`${printableLines(text)}\n`);
      }
    },
    write(text) {
      clear();
      // A file or a pipe gets the text as it is; a terminal does not take orders from it.
      process.stdout.write(process.stdout.isTTY ? printableLines(text) : text);
    },
  };
}

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
    return left === undefined ? '' : `${duration(left)} left`;
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
    return `in all about ${duration(1000 * left)} left`;
  }
}

/** Such as `12.0 of 269.1 MB  3 min left`: bytes there are, there will be where that is known, and were before. */
export function transferLine(left: TimeLeft, done: number, total: number | undefined, before: number): string {
  if (total === undefined) return `${megabytes(done)} MB`;
  return `${megabytes(done)} of ${megabytes(total)} MB  ${left.after(done - before, total - before)}`;
}

/** Milliseconds as a person says them. */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Columns aligned; the first to the left, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows
    .map(row => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}
