/** Files of LaMP, LongLaMP, and the layout of OPPU and CoPe. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { importLamp, importLongLamp, importOppu, taskHistories } from '../../../src/histories/index.ts';
import { readParquet } from '../../../src/histories/parquet.ts';
import { type Files, fixture, type Kind, type Reading } from '../kind.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

const TITLE = 'Generate a title for the following abstract of a paper: ';
const PROFILE = [
  { id: 'p1', date: '2016-01-01', title: 'T1', abstract: 'A1' },
  { id: 'p2', date: '2017', title: 'T2', abstract: 'A2 [{"' },
];
const QUESTIONS = [
  { id: 'u-0', user_id: 'u', input: `${TITLE}Q0`, profile: PROFILE },
  { id: 'v-0', user_id: 7, input: `${TITLE}Q1`, date: '2018-05-01', profile: PROFILE.slice(1) },
];
const golds = (ids: readonly string[]) => ({ task: 'LaMP_5', golds: ids.map(id => ({ id, output: `gold ${id}` })) });
const LAMP = { 'dev_questions.json': json(QUESTIONS), 'dev_outputs.json': json(golds(['u-0', 'v-0'])) };

const USERS = ['a', 'b'].map(name => ({
  user_id: name,
  query: [{ id: `q-${name}`, input: `${TITLE}Q ${name}`, gold: 'G' }],
  profile: PROFILE,
}));
const OPPU = {
  'user_top_100_history.json': json(USERS),
  'user_top_100_history_label.json': json(golds(['q-a', 'q-b'])),
  'user_others.json': json(USERS),
};

async function all(records: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of records);
}

async function parquet(names: readonly string[]): Promise<Files> {
  const files = names.map(async name => [name, await readFile(fixture(`longlamp/${name}`))] as const);
  return Object.fromEntries(await Promise.all(files));
}

export const benchmarks: Kind = async () => {
  const readings: Reading[] = [
    {
      name: 'import lamp',
      files: LAMP,
      read: folder =>
        all(importLamp(join(folder, 'dev_questions.json'), { outputs: join(folder, 'dev_outputs.json') })),
    },
    {
      name: 'import lamp of gzip',
      files: { 'q.json.gz': gzipSync(LAMP['dev_questions.json']) },
      read: folder => all(importLamp(join(folder, 'q.json.gz'))),
    },
    { name: 'compare --task LaMP-5', files: LAMP, read: folder => all(taskHistories('LaMP-5', folder)) },
    { name: 'import oppu', files: OPPU, read: folder => all(importOppu(folder)) },
    { name: 'import oppu of the others', files: OPPU, read: folder => all(importOppu(folder, { users: 'others' })) },
  ];
  for (const name of ['nested-gzip.parquet', 'nested-snappy.parquet', 'nested-zstd.parquet']) {
    readings.push({ name, files: await parquet([name]), read: folder => all(readParquet(join(folder, name))) });
  }
  const topics = 'topic_writing_user/test-00000-of-00001.parquet';
  readings.push({
    name: 'import longlamp of a file',
    files: await parquet([topics]),
    read: folder => all(importLongLamp(join(folder, topics))),
  });
  const shards = await parquet([0, 1, 2].map(part => `abstract_generation_user/test-0000${part}-of-00003.parquet`));
  readings.push({
    name: 'import longlamp of a folder',
    files: shards,
    read: folder => all(importLongLamp(join(folder, 'abstract_generation_user'))),
  });
  return readings;
};
