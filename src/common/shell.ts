/** Words of commands that people are asked to run. */
import { printable } from './printable.ts';

/** A word as a POSIX shell takes it back. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", "'\\''")}'`;
}
