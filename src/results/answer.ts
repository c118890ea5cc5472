/** What a method wrote for a query, beside what the user wrote: all that an evaluation reads. */

import { z } from 'zod';
import { type HistoryRecord, recordKey } from '../histories/index.ts';

export interface Answer {
  /** `recordKey` of the query. */
  readonly key: string;
  /** The data set's own name for the query, where it has one. */
  readonly id?: string;
  readonly input: string;
  /** What the user wrote. */
  readonly reference: string;
  /** What the method wrote. */
  readonly text: string;
  /** Retrieved records, or words of a profile, that had room before the request; for methods that show some. */
  readonly shown?: number;
  /** How many there were. */
  readonly found?: number;
  /** Whether the prompt was too long and lost its beginning. */
  readonly promptCut?: true;
  /** log pi(reference | the method's prompt), natural logarithm, summed over `tokens` tokens. */
  readonly logProb: number;
  readonly tokens: number;
}

const count = z.int().nonnegative();

const answerSchema: z.ZodType<Answer> = z.object({
  key: z.string(),
  id: z.string().optional(),
  input: z.string(),
  reference: z.string(),
  text: z.string(),
  shown: count.optional(),
  found: count.optional(),
  promptCut: z.literal(true).optional(),
  logProb: z.number(),
  tokens: count,
});

/** Kept answers to these queries, all of them and in their order. */
export function answersSchema(queries: readonly HistoryRecord[]): z.ZodType<Answer[]> {
  const keys = queries.map(recordKey).join('\n');
  return z.array(answerSchema).refine(answers => answers.map(({ key }) => key).join('\n') === keys);
}

/** A method's answers to all queries of each user; the same queries in the same order for every method. */
export interface MethodAnswers {
  /** As it is asked for: `cbpo`, `rag+oppu`. */
  readonly name: string;
  /** As tables call it: `C-BPO`, `RAG + OPPU`. */
  readonly title: string;
  /** What sets it apart from the other methods, in words: model, prompt, training, decoding, chosen hyper-parameters. */
  readonly description: string;
  readonly users: ReadonlyMap<string, readonly Answer[]>;
  /** The title of the method it equals where no record has room in the prompt; for methods that retrieve. */
  readonly withoutRecords?: string;
}
