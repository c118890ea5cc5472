/** Importer of the layout of OPPU and CoPe: users with a profile, their queries, and a label file beside. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { type BenchmarkOptions, benchmarkRecords, isBenchmarkText, type Question, readGolds } from './benchmark.ts';
import { eitherName, readBytes } from './bytes.ts';
import { jsonItems } from './json-stream.ts';
import { type HistoryRecord, parseWith } from './record.ts';

const text = z.union([z.string(), z.number()]).transform(String);

const userSchema = z.object({
  query: z.array(z.object({ id: text, input: z.string(), gold: text.nullish() })),
  profile: z.array(z.record(z.string(), z.unknown())),
});

const EXPECTED: Record<string, string> = {
  query: 'a list of {id, input, gold}',
  profile: 'a list of objects',
};

/** `user_id` or `user_name`; the others are LongLaMP's own names, which some conversions keep. */
const USER_FIELDS = ['user_id', 'user_name', 'name', 'reviewerId', 'author'] as const;

/** The evaluated users' file; OPPU's release has the second name for tweets. Labels: the same with `_label`. */
const HISTORIES = ['user_top_100_history.json', 'user_more_100_history.json'] as const;
const OTHERS = 'user_others.json';

export interface OppuOptions extends BenchmarkOptions {
  /** In a folder, which users: those evaluated (the default), or the others, on whom the task is learnt first. */
  users?: 'evaluated' | 'others';
  /** The label file. Default: in a folder, the one beside the evaluated users; else the `gold` of each query. */
  labels?: string;
}

/**
 * Reads a folder with user_top_100_history.json (or user_more_100_history.json), its labels in a file named so with
 * `_label`, and user_others.json (each may end in .gz), or one such file. Profile items become records with split
 * `train`, answered queries records with split `query`; inputs hold the benchmark's own instruction, so the prompt
 * template is `plain`. Texts are not cut here: this layout's custom of 768 words is `maxWords` of `taskPreset`.
 *
 * @throws IdiolectError DATA naming file and user for what is missing, of a wrong type, or cut short.
 */
export async function* importOppu(path: string, options: OppuOptions = {}): AsyncGenerator<HistoryRecord> {
  const evaluated = options.users !== 'others';
  const folder = await stat(path).then(
    found => found.isDirectory(),
    () => false,
  );
  const named = evaluated ? await evaluatedUsersFile(path) : await eitherName(join(path, OTHERS));
  const file = folder ? (named ?? join(path, evaluated ? HISTORIES[0] : OTHERS)) : path;
  const beside = folder && evaluated ? await eitherName(file.replace(/\.json(\.gz)?$/, '_label.json')) : undefined;
  const labels = options.labels ?? beside;
  const golds = labels ? await readGolds(labels) : new Map<string, string>();

  async function* read(): AsyncGenerator<Question> {
    for await (const { index, value } of jsonItems(readBytes(file), file, isBenchmarkText)) {
      const place = `${file}: user ${(index ?? 0) + 1}`;
      const parsed = parseWith(userSchema, value, EXPECTED, 'Each user needs query and profile.');
      if ('problem' in parsed) throw new IdiolectError('DATA', `${place}: ${parsed.problem}`);
      const fields = value as Record<string, unknown>;
      const user = USER_FIELDS.map(field => fields[field]).find(found => found !== undefined && found !== null);
      if (user === undefined) {
        throw new IdiolectError('DATA', `${place}: the user's name is missing; expected ${USER_FIELDS.join(' or ')}.`);
      }
      const queries = parsed.value.query.map(({ id, input, gold }) => ({
        id,
        input,
        gold: golds.get(id) ?? gold ?? undefined,
      }));
      yield { user: String(user), profile: parsed.value.profile, queries, returns: false, place };
    }
  }
  yield* benchmarkRecords(file, read(), options);
}

/** The file of the evaluated users in a folder of this layout; undefined where there is none. */
export async function evaluatedUsersFile(folder: string): Promise<string | undefined> {
  for (const name of HISTORIES) {
    const found = await eitherName(join(folder, name));
    if (found) return found;
  }
  return undefined;
}
