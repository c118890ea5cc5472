/**
 * Texts a user's own were chosen over: the rejected side of DPO's pairs. A JSON Lines file of {user, input, output,
 * rejected}, one for each record that is to be trained on.
 */
import { z } from 'zod';
import { sha256OfFile } from '../common/files.ts';
import { type HistoryRecord, parseWith, readJsonLines, recordKey } from './index.ts';

const rejectedSchema = z.object({
  user: z.string(),
  input: z.string(),
  output: z.string(),
  /** May be empty: a model that says nothing is a poor answer too. */
  rejected: z.string(),
});

const text = 'a string';
const EXPECTED = { user: text, input: text, output: text, rejected: text };

export type RejectedText = z.infer<typeof rejectedSchema>;

export interface RejectedTexts {
  /** SHA-256 of the file. */
  readonly fingerprint: string;
  /** The text a record was chosen over; undefined where the file has none. */
  of(record: HistoryRecord): string | undefined;
}

/** @throws IdiolectError DATA naming file, line and field */
export async function readRejected(file: string): Promise<RejectedTexts> {
  const texts = new Map<string, string>();
  const parse = (value: unknown) =>
    parseWith(rejectedSchema, value, EXPECTED, 'Each line needs user, input, output and rejected.');
  for await (const { rejected, ...record } of readJsonLines(file, parse)) texts.set(keyOf(record), rejected);
  return { fingerprint: await sha256OfFile(file), of: record => texts.get(keyOf(record)) };
}

/** By what was written to what; names of records are not in the file. */
function keyOf({ user, input, output }: Pick<HistoryRecord, 'user' | 'input' | 'output'>): string {
  return recordKey({ user, input, output });
}
