/** What a person sees: results on standard output, everything else on standard error. */
import pc from 'picocolors';
import { printableLines } from '../common/printable.ts';
import { asFlags } from '../common/wording.ts';

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
