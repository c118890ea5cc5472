/** A task by its name and the files it was downloaded as: LaMP's two ways of splitting, LongLaMP, OPPU's layout. */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from './collect.ts';
import { groupByUser, splitByTime } from './split.ts';
import { type TaskHistoriesOptions, taskHistories } from './task-files.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const longLamp = at('../../tests/fixtures/longlamp/');

let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'idiolect-task-files-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function put(name: string, content: unknown): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  const text = JSON.stringify(content);
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}
const golds = (...outputs: [string, string | number][]) => ({
  task: 'LaMP',
  golds: outputs.map(([id, output]) => ({ id, output })),
});
async function read(task: string, path: string, options: TaskHistoriesOptions = {}) {
  const notices: string[] = [];
  const records = await collect(taskHistories(task, path, { ...options, onNotice: notice => notices.push(notice) }));
  return { records, notices };
}

const cite = (title: string) =>
  `For an author who has written the paper with the title "${title}", which reference is related? Just answer with ` +
  '[1] or [2] without explanation. [1]: "A" [2]: "B"';
const tags = 'Which tag does this movie relate to among the following tags? Just answer. tags: [a, b] description: ';
const categories = 'Which category does this article relate to among these? categories: [x, y & z] article: ';
const review = 'What is the score of the following review on a scale of 1 to 5? just answer with 1, 2. review: ';
const headline = 'Generate a headline for the following article: ';
const title = 'Generate a title for the following abstract of a paper: ';
const tweet = 'Paraphrase the following tweet without any explanation before or after it: ';

/** Task, its folder, a question, an item of a profile, what is made of the item, and an answer. */
const LAMP = [
  ['lamp-1', 'LaMP_1', cite('T'), { title: 'P', abstract: 'A' }, 'Generate an abstract for the title "P"', 'A', '[2]'],
  ['lamp-2m', 'LaMP_2_new', `${tags}Q`, { description: 'D', tag: 'a' }, `${tags}D`, 'a', 'b'],
  ['lamp-2n', 'LaMP_2', `${categories}Q`, { text: 'D', title: 'T', category: 'x' }, `${categories}D`, 'x', 'y & z'],
  ['lamp-3', 'LaMP_3', `${review}Q`, { text: 'D', score: '4' }, `${review}D`, '4', '5'],
  ['lamp-4', 'LaMP_4', `${headline}Q`, { text: 'D', title: 'T' }, `${headline}D`, 'T', 'G'],
  ['lamp-5', 'LaMP_5', `${title}Q`, { title: 'T', abstract: 'D' }, `${title}D`, 'T', 'G'],
  ['lamp-7', 'LaMP_7', `${tweet}Q`, { text: 'D' }, 'Write a tweet.', 'D', 'G'],
] as const;

describe('LaMP', () => {
  test.each(LAMP)('%s: the folder of either split', async (task, folder, input, item, profileInput, output, gold) => {
    const profile = [{ id: 'p', ...item }];
    await put(`${folder}/dev_questions.json.gz`, [
      { id: '10', input, profile },
      { id: '20', input: `${input} 2`, profile },
    ]);
    await put(`${folder}/dev_outputs.json`, golds(['10', gold], ['20', gold]));
    // The test split's questions, which no answers belong to, are not taken.
    await put(`${folder}/test_questions.json`, [{ id: '30', input, profile }]);
    const byUser = await read(task, join(home, folder));
    expect(byUser.records).toEqual([
      { user: '10', id: 'p', input: profileInput, output, split: 'train' },
      { user: '10', id: '10', input, output: gold, split: 'query' },
      { user: '20', id: 'p', input: profileInput, output, split: 'train' },
      { user: '20', id: '20', input: `${input} 2`, output: gold, split: 'query' },
    ]);
    expect(byUser.notices[0]).toMatch(
      /^LaMP-\w+: evaluated on dev \(the answers to LaMP's test split are not public\): /,
    );
    expect(byUser.notices).toHaveLength(['lamp-1', 'lamp-7'].includes(task) ? 2 : 1);

    const dated = [{ date: '2018-05-01', ...profile[0] }];
    await put(`${folder}_time/dev_questions.json`, [
      { id: '10', user_id: 7, date: '2019-01-01', input, profile: dated },
      { id: '11', user_id: 7, date: '2019-01-02', input: `${input} 2`, profile: dated },
    ]);
    await put(`${folder}_time/dev_outputs.json.gz`, golds(['10', gold], ['11', gold]));
    const byTime = (await read(task, join(home, `${folder}_time`))).records;
    expect(byTime.map(({ user, id, time, split }) => [user, id, time?.slice(0, 10), split])).toEqual([
      ['7', 'p', '2018-05-01', 'train'],
      ['7', '10', '2019-01-01', 'query'],
      ['7', '11', '2019-01-02', 'query'],
    ]);
  });

  test('a questions file whose answers lie beside it', async () => {
    const profile = [{ id: 'p', text: 'D', title: 'T' }];
    const path = await put('my-questions.json.gz', [{ id: '1', input: `${headline}Q`, profile }]);
    await put('my-outputs.json.gz', golds(['1', 'G']));
    const { records, notices } = await read('news_headline', path);
    expect(records.map(({ output }) => output)).toEqual(['T', 'G']);
    expect(notices).toEqual([`LaMP-4: evaluated on ${path}`]);
    await expect(read('lamp-4', path, { split: 'dev' })).rejects.toThrow(
      'one file is one split; leave the split "dev"',
    );
  });

  test('another split, and malformed entries left out where asked for', async () => {
    const profile = [{ id: 'p', text: 'D', title: 'T' }, { id: 'bad' }];
    await put('some/train_questions.json', [{ id: '1', input: `${headline}Q`, profile }]);
    await put('some/train_outputs.json', golds(['1', 'G']));
    const path = join(home, 'some');
    await expect(read('lamp-4', path, { split: 'train' })).rejects.toThrow('profile item 2: "text" is missing.');
    const told: string[] = [];
    const skip = { split: 'train', skipBad: true, onSkip: (message: string) => told.push(message) } as const;
    const { records, notices } = await read('lamp-4', path, skip);
    expect([records.length, told.length]).toEqual([2, 1]);
    expect(notices).toEqual([`LaMP-4: evaluated on train: ${join(path, 'train_questions.json')}`]);
  });

  test('says what is missing, and how to get it', async () => {
    await expect(read('LaMP_2M', join(home, 'nowhere'))).rejects.toThrow(
      'nowhere does not exist. To download: idiolect data get lamp-2m --out FOLDER',
    );
    await expect(read('lamp-6', join(home, 'nowhere'))).rejects.toThrow('licensed Avocado collection');
    await expect(read('lamp-9', home)).rejects.toThrow('there is no task "lamp-9"');

    const profile = [{ id: 'p', text: 'D', title: 'T' }];
    const questions = [{ id: '1', input: `${headline}Q`, profile }];
    const parent = join(home, 'parent');
    await put('parent/LaMP_4/test_questions.json', questions);
    await expect(read('lamp-4', parent)).rejects.toThrow(
      "parent holds neither dev_questions.json nor files of LongLaMP or of the layout of OPPU; found: LaMP_4. Give the task's",
    );
    const folder = join(parent, 'LaMP_4');
    await expect(read('lamp-4', folder)).rejects.toThrow('found: test_questions.json.');
    await expect(read('lamp-4', folder, { split: 'test' })).rejects.toThrow(
      "test_outputs.json is not beside it. LaMP's makers keep the answers to its test split back: use dev.",
    );
    await put('parent/LaMP_4/dev_questions.json', questions);
    await expect(read('lamp-4', folder)).rejects.toThrow(
      'dev_outputs.json is not beside it. To download: idiolect data',
    );
    await put('parent/LaMP_4/dev_outputs.json', golds(['1', 'G']));
    await expect(read('lamp-7', folder, { skipBad: true })).rejects.toThrow(
      'dev_questions.json holds queries of LaMP-4; expected those of LaMP-7.',
    );
    const other = await put('parent/list.json', questions);
    await expect(read('lamp-4', other)).rejects.toThrow(
      'list.json: expected a folder, or a file named *questions.json',
    );
  });
});

describe('LongLaMP', () => {
  test.each([
    ['abstract-generation', 'abstract_generation_user', 'test'],
    ['product-review', 'product_review_temporal', 'test'],
    ['topic_writing', 'topic_writing_user', 'test'],
  ])('%s', async (task, folder, split) => {
    const { records, notices } = await read(task, join(longLamp, folder));
    expect(notices).toEqual([expect.stringMatching(new RegExp(`: evaluated on ${split}: .*${folder}$`))]);
    for (const kind of ['train', 'query']) expect(records.filter(record => record.split === kind)).not.toEqual([]);
    await expect(read('lamp-5', join(longLamp, folder))).rejects.toThrow('expected those of LaMP-5.');
  });

  test('val where there is no test; the splits there are, where another is asked for', async () => {
    const folder = join(home, 'abstract_generation_user');
    await cp(join(longLamp, 'abstract_generation_user'), folder, { recursive: true });
    for (const name of await readdir(folder)) if (name.startsWith('test')) await rm(join(folder, name));
    const { records, notices } = await read('abstract_generation', folder);
    expect(records.map(({ id }) => id)).toEqual(['val-00000-of-00001-0']);
    expect(notices).toEqual([`abstract generation: evaluated on val (there is no test): ${folder}`]);
    expect((await read('abstract_generation', folder, { split: 'dev' })).records).toEqual(records);
    await expect(read('abstract_generation', folder, { split: 'train' })).rejects.toThrow(
      'holds val, but no train. To',
    );
    // Splits of a download that was broken off are not taken for whole.
    await rename(join(folder, 'val-00000-of-00001.parquet'), join(folder, 'val-00000-of-00002.parquet'));
    await expect(read('abstract_generation', folder)).rejects.toThrow('expected 2 files of "val"');
  });
});

describe('the layout of OPPU and CoPe', () => {
  test('the evaluated users with their labels', async () => {
    const profile = [{ id: '0', date: 2010, title: 'P', abstract: 'A', citation: 'C' }];
    await put('citation/user_top_100_history.json', [{ user_id: 3, query: [{ id: 'q', input: cite('T') }], profile }]);
    await put('citation/user_top_100_history_label.json', golds(['q', '[1]']));
    const folder = join(home, 'citation');
    const { records, notices } = await read('lamp-1', folder);
    const time = '2010-01-01T00:00:00.000Z';
    expect(records).toEqual([
      {
        user: '3',
        id: '0',
        time,
        input: 'Name a reference of the paper with the title "P"',
        output: 'C',
        split: 'train',
      },
      { user: '3', id: 'q', input: cite('T'), output: '[1]', split: 'query' },
    ]);
    expect(notices[0]).toBe(`LaMP-1: evaluated on the users of ${join(folder, 'user_top_100_history.json')}`);
    await expect(read('lamp-1', folder, { split: 'dev' })).rejects.toThrow('has no splits; leave the split "dev" out.');

    await rm(join(folder, 'user_top_100_history_label.json'));
    await expect(read('lamp-1', folder)).rejects.toThrow(
      'no query has an answer, so there is nothing to evaluate LaMP-1',
    );
  });
});

const acl = at('../../../shared/data/acl-lamp5_questions.json.gz');
if (!existsSync(acl)) console.log('skipped: the development data sets are not beside the project');
test.skipIf(!existsSync(acl))('papers in LaMP-5’s time split: 100 users, 467 queries', async () => {
  const { records } = await read('lamp-5', acl);
  const { users } = splitByTime(await groupByUser(records));
  expect(users.size).toBe(100);
  expect(records.filter(({ split }) => split === 'query')).toHaveLength(467);
});
