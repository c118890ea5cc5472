/**
 * The one exception tree. A message is one sentence a person can act on: what was expected, what was found,
 * where (file:line, record, tensor), and what to do. The command line prints the sentence alone, without a stack.
 */

export type ErrorCode =
  | 'ADAPTER'
  | 'CHECKPOINT'
  | 'CONFIG'
  | 'DATA'
  | 'DIVERGED'
  | 'ENGINE'
  | 'GRAPH'
  | 'INTERRUPTED'
  | 'MODEL'
  | 'OUTPUT'
  | 'TOKENIZER'
  | 'USAGE';

export class IdiolectError extends Error {
  override readonly name = 'IdiolectError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** A condition the code itself guarantees. Failing it is a defect of idiolect, so it keeps its stack. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}

/** The text of anything thrown, for use inside a longer sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
