/** Importer of the LongLaMP benchmark: the Parquet files of one of its configurations, streamed row by row. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { type BenchmarkOptions, benchmarkRecords, type Question } from './benchmark.ts';
import { readParquet } from './parquet.ts';
import { type HistoryRecord, parseWith } from './record.ts';

/** The three tasks each name the user in their own way. */
const USER_FIELDS = ['name', 'reviewerId', 'author'] as const;

const text = z.union([z.string(), z.number()]).transform(String);

const rowSchema = z.object({
  input: z.string(),
  output: z.string().nullish(),
  profile: z.array(z.record(z.string(), z.unknown())),
});

const EXPECTED: Record<string, string> = {
  input: 'a string',
  output: 'a string',
  profile: 'a list of objects',
};

const SHARD = /^(\w+)-(\d{5})-of-(\d{5})\.parquet$/;

export interface LongLampOptions extends BenchmarkOptions {
  /** In a folder, which files: those of `train`, `val` or `test` (the default). */
  split?: 'train' | 'val' | 'test';
}

/**
 * Reads a folder of LongLaMP's Parquet files (one configuration, such as abstract_generation_user, with
 * test-00000-of-00001.parquet and the like), or one such file. A row is a user's profile with one query: profile items
 * become records with split `train`, the query one with split `query` and the id `<file name>-<row from 0>`, since rows
 * have no id. Inputs hold the benchmark's own instruction, so the prompt template is `plain`. An item whose text is
 * null counts as empty: it is left out and reported.
 *
 * What is held in memory is one row and, to have every record once, 16 bytes of hash for each.
 *
 * @throws IdiolectError DATA where there are no such files or one of several is missing, and naming file and row for
 *   what is missing or of a wrong type.
 */
export async function* importLongLamp(path: string, options: LongLampOptions = {}): AsyncGenerator<HistoryRecord> {
  const files = await filesOf(path, options.split ?? 'test');
  async function* read(): AsyncGenerator<Question> {
    for (const file of files) {
      let index = 0;
      for await (const row of readParquet(file)) {
        const place = `${file}: row ${index + 1}`;
        const parsed = parseWith(rowSchema, row, EXPECTED, 'Each row needs input, output and profile.');
        if ('problem' in parsed) throw new IdiolectError('DATA', `${place}: ${parsed.problem}`);
        const user = text.safeParse(USER_FIELDS.map(field => row[field]).find(found => (found ?? null) !== null));
        if (!user.success) {
          throw new IdiolectError('DATA', `${place}: the user is missing; expected ${USER_FIELDS.join(' or ')}.`);
        }
        const { input, output, profile } = parsed.value;
        const id = `${basename(file, '.parquet')}-${index}`;
        const queries = [{ id, input, gold: output ?? undefined }];
        yield { user: user.data, profile: profile.map(withoutNull), queries, returns: true, place };
        index += 1;
      }
    }
  }
  yield* benchmarkRecords(path, read(), options);
}

/** Every column exists in every item of a Parquet file, so null is how a text that is not there is written. */
function withoutNull(item: Record<string, unknown>): Record<string, unknown> {
  const { id, year, ...texts } = item;
  const filled = Object.fromEntries(Object.entries(texts).map(([field, value]) => [field, value ?? '']));
  // Abstracts have a year. It is metadata: one that is none is no reason to lose the abstract.
  const date = /^[12]\d{3}$/.test(String(year)) ? String(year) : undefined;
  return { ...filled, id, date };
}

/** The splits whose files a folder holds, all or some of them. */
export async function longLampSplits(folder: string): Promise<string[]> {
  const splits = (await readdir(folder)).flatMap(name => SHARD.exec(name)?.[1] ?? []);
  return ['train', 'val', 'test'].filter(split => splits.includes(split));
}

/** The files to read, in order. */
async function filesOf(path: string, split: string): Promise<string[]> {
  const found = await stat(path).catch(error => {
    throw new IdiolectError('DATA', `${path} does not exist.`, { cause: error });
  });
  if (!found.isDirectory()) return [path];
  const shards = (await readdir(path))
    .map(name => SHARD.exec(name))
    .filter(match => match?.[1] === split)
    .map(match => ({ name: match![0], index: Number(match![2]), count: Number(match![3]) }))
    .sort((a, b) => a.index - b.index);
  if (shards.length === 0) {
    const what = `holds no ${split}-00000-of-00001.parquet or the like`;
    throw new IdiolectError('DATA', `${path} ${what}. Give the folder of one configuration, or one file.`);
  }
  // Copies of two releases side by side would be read twice.
  const count = shards[0]!.count;
  const complete = shards.length === count && shards.every((shard, i) => shard.index === i && shard.count === count);
  if (complete) return shards.map(({ name }) => join(path, name));
  const names = shards.map(({ name }) => name).join(', ');
  throw new IdiolectError(
    'DATA',
    `${path}: expected ${counted(count, 'file')} of "${split}", found ${names}. Download the rest.`,
  );
}
