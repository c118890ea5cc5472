/** Importer of the LaMP benchmark, user split and time split. The files are streamed, never held whole. */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { type BenchmarkOptions, benchmarkRecords, isBenchmarkText, type Question, readGolds } from './benchmark.ts';
import { readBytes } from './bytes.ts';
import { jsonItems } from './json-stream.ts';
import { type HistoryRecord, parseWith } from './record.ts';

const name = z.union([z.string(), z.int()]).transform(String);

const questionSchema = z.object({
  id: name,
  user_id: name.nullish(),
  input: z.string(),
  date: z.union([z.string(), z.number()]).nullish(),
  profile: z.array(z.record(z.string(), z.unknown())),
});

const EXPECTED: Record<string, string> = {
  id: 'a string',
  user_id: 'a string',
  input: 'a string',
  date: 'an ISO 8601 date',
  profile: 'a list of objects',
};

export interface LampOptions extends BenchmarkOptions {
  /** The {split}_outputs.json(.gz) with the answers. Without it (LaMP's test split has none) only profiles are read. */
  outputs?: string;
}

/**
 * Reads a {split}_questions.json(.gz) of any of LaMP's tasks. A profile item becomes a record with split `train`, a question with a known answer one with split `query` and the question's id, under which LaMP
 * expects the prediction. Both inputs hold LaMP's own instruction, so the prompt template is `plain`.
 * The user is `user_id`; in the user split, where there is none, every question is another user and its id is used.
 *
 * In LaMP-1 and LaMP-7 a profile holds no answers to the kind of question that is asked: what its items become there,
 * and after whom, tasks.ts says.
 *
 * @throws IdiolectError DATA naming file and question for what is missing, of a wrong type, or cut short.
 */
export async function* importLamp(questions: string, options: LampOptions = {}): AsyncGenerator<HistoryRecord> {
  const golds = options.outputs ? await readGolds(options.outputs) : new Map<string, string>();
  let answered = 0;
  async function* read(): AsyncGenerator<Question> {
    for await (const { index, value } of jsonItems(readBytes(questions), questions, isBenchmarkText)) {
      const place = `${questions}: question ${(index ?? 0) + 1}`;
      const parsed = parseWith(questionSchema, value, EXPECTED, 'Each question needs id, input and profile.');
      if ('problem' in parsed) throw new IdiolectError('DATA', `${place}: ${parsed.problem}`);
      const { id, user_id, input, date, profile } = parsed.value;
      const gold = golds.get(id);
      if (gold !== undefined) answered += 1;
      const queries = [{ id, input, gold, date: date ?? undefined }];
      yield { user: user_id ?? id, profile, queries, returns: (user_id ?? null) !== null, place };
    }
  }
  yield* benchmarkRecords(questions, read(), options);
  if (options.outputs && answered === 0) {
    const why = 'no question has its id there; do the two belong together?';
    throw new IdiolectError('DATA', `${options.outputs} answers none of the questions in ${questions}: ${why}`);
  }
}
