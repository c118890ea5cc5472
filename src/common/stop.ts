/** Work that was asked to stop, in one sentence. */
import { IdiolectError } from './errors.ts';

/** @param left what became of the work so far, as a sentence without its end: `nothing was written` */
export function stopped(left: string): IdiolectError {
  return new IdiolectError('INTERRUPTED', `stopped; ${left}.`);
}

/** @throws IdiolectError INTERRUPTED when the signal has asked to stop */
export function stopIfAsked(signal: AbortSignal | undefined, left: string): void {
  if (signal?.aborted) throw stopped(left);
}
