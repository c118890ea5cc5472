/**
 * The one exception tree. A message is one sentence a person can act on: what was expected, what was found,
 * where (file:line, record, tensor), and what to do. The command line prints the sentence alone, without a stack.
 */
import { printableSentence } from './printable.ts';
import { settingsIn } from './wording.ts';

/** Characters of a message; the longest we write ourselves have some hundred, and the rest is someone's data. */
export const LONGEST_MESSAGE = 2_000;

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

/** The parts of a message, where a caller may want them apart: an editor that marks a line, an HTTP answer that names a field. */
export interface ErrorDetails {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Of a record, or the name of a setting. */
  readonly field?: string;
  readonly expected?: string;
  /** A value in a few words; a person's text is cut short. */
  readonly found?: string;
}

/**
 * Its message is one line without control characters, whatever data is quoted in it. Settings are named in backquotes;
 * the command line words them as flags.
 */
export class IdiolectError extends Error {
  override readonly name = 'IdiolectError';
  readonly code: ErrorCode;
  /** Known for settings and for records of data that a schema refuses; empty elsewhere. */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; details?: ErrorDetails }) {
    super(printableSentence(message, LONGEST_MESSAGE), options);
    this.code = code;
    this.details = options?.details ?? {};
  }

  /** The settings it is about, by the names they have in the library. */
  get settings(): readonly string[] {
    return settingsIn(this.message);
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
