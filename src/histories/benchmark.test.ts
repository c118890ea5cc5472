/** LaMP and OPPU files: the same prompt for profile and query, every pair once, honest refusals. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect } from './collect.ts';
import { importLamp, type LampOptions } from './lamp.ts';
import { importOppu } from './oppu.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-benchmark-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}
const golds = (...outputs: [string, string][]) => ({
  task: 'LaMP',
  golds: outputs.map(([id, output]) => ({ id, output })),
});
async function lamp(questions: unknown, outputs?: unknown, options: LampOptions = {}) {
  const path = await file('q.json', questions);
  const answers = outputs ? await file('o.json.gz', outputs) : undefined;
  return collect(importLamp(path, { ...options, outputs: answers }));
}

describe('importLamp', () => {
  const title = 'Generate a title for the following abstract of a paper: ';
  const profile = [
    { id: 'p1', date: '2016-01-01', title: 'T1', abstract: 'A1' },
    { id: 'p2', date: '2017', title: 'T2', abstract: 'A2 [{"' },
  ];

  test('time split: every pair once, questions after the profile, by user', async () => {
    const records = await lamp(
      [
        { id: 'u-0', user_id: 'u', input: `${title}Q0`, profile },
        { id: 'u-1', user_id: 'u', input: `${title}Q1`, profile },
        { id: 'v-0', user_id: 7, input: `${title}Q2`, profile: profile.slice(1) },
      ],
      golds(['u-0', 'G0'], ['v-0', 'G2']),
    );
    const p1 = { id: 'p1', input: `${title}A1`, output: 'T1', time: '2016-01-01T00:00:00.000Z', split: 'train' };
    const p2 = { id: 'p2', input: `${title}A2 [{"`, output: 'T2', time: '2017-01-01T00:00:00.000Z', split: 'train' };
    expect(records).toEqual([
      { user: 'u', ...p1 },
      { user: 'u', ...p2 },
      { user: 'u', id: 'u-0', input: `${title}Q0`, output: 'G0', split: 'query' },
      // u-1 has no answer and the profile is known already.
      { user: '7', ...p2 },
      { user: '7', id: 'v-0', input: `${title}Q2`, output: 'G2', split: 'query' },
    ]);
  });

  test('an item with an empty date keeps its text; long ids keep their digits, behind a byte order mark too', async () => {
    const item = { id: 'p', date: '', title: 'T', abstract: 'A' };
    const question = (id: string) => `{"id": ${id}, "input": "${title}Q", "profile": [${JSON.stringify(item)}]}`;
    const path = join(folder, 'long-ids.json');
    await writeFile(path, `\ufeff[${question('1234567890123456789')}, ${question('1234567890123456790')}]`);
    const kept = { id: 'p', input: `${title}A`, output: 'T', split: 'train' };
    expect(await collect(importLamp(path))).toEqual([
      { user: '1234567890123456789', ...kept },
      { user: '1234567890123456790', ...kept },
    ]);
  });

  test('user split: a question is a user; without outputs only profiles are read', async () => {
    const records = await lamp([{ id: 110, input: `${title}Q`, profile }]);
    expect(records.map(({ user, split }) => [user, split])).toEqual([
      ['110', 'train'],
      ['110', 'train'],
    ]);
  });

  const tags = 'Which tag does this movie relate to among the following tags? Just answer. tags: [a, b] description: ';
  const categories = 'Which category does this article relate to among these? categories: [x, food & drink] article: ';
  const review = 'What is the score of the following review on a scale of 1 to 5? just answer. review: ';
  const email = 'Generate a subject for the following email: ';
  const headline = 'Generate a headline for the following article: ';
  test.each([
    ['LaMP-2M', tags, { id: '1', description: 'D', tag: 'a' }, 'D', 'a'],
    ['LaMP-2N', categories, { id: '1', text: 'D', title: 'T', category: 'x' }, 'D', 'x'],
    ['LaMP-3', review, { id: '1', text: 'D article: x', score: 5 }, 'D article: x', '5'],
    ['LaMP-4', headline, { id: '1', text: 'D', title: 'T' }, 'D', 'T'],
    ['LaMP-6', email, { id: '1', text: 'D', title: 'T' }, 'D', 'T'],
  ])('%s: profile and query open with the same words', async (task, opening, item, input, output) => {
    const questions = [{ id: 'q', input: `${opening}Q description: z`, profile: [item] }];
    for (const options of [{}, { task: task.replace('-', '_') }]) {
      const [first, query] = await lamp(questions, golds(['q', 'G']), options);
      expect(first).toMatchObject({ input: `${opening}${input}`, output });
      expect(query).toMatchObject({ input: `${opening}Q description: z`, output: 'G' });
    }
  });

  const cite = 'For an author who has written the paper with the title "x", which reference is related? ...';
  const paraphrase = 'Paraphrase the following tweet without any explanation before or after it: x';
  test.each([
    [
      'LaMP-1: a title to its abstract, or to a cited paper',
      cite,
      [
        { id: '1', title: 'T', abstract: 'A' },
        { id: '2', title: 'T', abstract: 'A', citation: 'C' },
      ],
      [
        ['Generate an abstract for the title "T"', 'A'],
        ['Name a reference of the paper with the title "T"', 'C'],
      ],
    ],
    ['LaMP-7: a tweet without its source', paraphrase, [{ id: '1', text: 'W' }], [['Write a tweet.', 'W']]],
  ])('%s, since the queries’ own kind of answer is in no profile', async (_, input, items, pairs) => {
    const records = await lamp([{ id: 'q', input, profile: items }], golds(['q', 'G']));
    expect(records.map(record => [record.input, record.output])).toEqual([...pairs, [input, 'G']]);
  });

  test.each([
    [{ id: '1', input: cite, profile: [{ id: 'p', title: 'T' }] }, '"abstract" is missing. LaMP-1 needs title, abstr'],
    [{ id: '1', input: paraphrase, profile: [{ id: 'p' }] }, '"text" is missing. LaMP-7 needs text.'],
    [
      { id: '1', input: 'Translate: x', profile: [] },
      'no known task words its queries like "Translate: x". Known: LaMP-1 (citation),',
    ],
  ])('refuses %j', async (question, sentence) => {
    await expect(lamp([question])).rejects.toThrow(sentence);
  });

  test('refuses queries of another task than is named, skip or not', async () => {
    const questions = [{ id: '1', input: paraphrase, profile: [{ id: 'p', text: 'x' }] }];
    await expect(lamp(questions, undefined, { task: 'lamp-4', skipBad: true })).rejects.toThrow(
      'q.json holds queries of LaMP-7; expected those of LaMP-4.',
    );
  });

  test('says where an item lacks a field, and leaves it out when asked', async () => {
    const questions = [
      { id: '1', input: `${title}Q`, profile: [{ id: 'p', abstract: 'A' }, { title: '', abstract: 'A' }, profile[0]] },
      { id: '2', input: 'Generate something else', profile: [] },
    ];
    await expect(lamp(questions)).rejects.toThrow(
      'question 1: profile item 1: "title" is missing. LaMP-5 needs abstract, title.',
    );
    const told: string[] = [];
    const records = await lamp(questions, undefined, { skipBad: true, onSkip: message => told.push(message) });
    expect(records.map(({ id }) => id)).toEqual(['p1']);
    expect(told.map(message => message.replace(/^.*json: /, ''))).toEqual([
      'question 1: profile item 1: "title" is missing. LaMP-5 needs abstract, title.',
      'question 1: profile item 2 has an empty text.',
      'question 2: query "2" is not worded like the other queries of LaMP-5.',
    ]);
  });

  test.each([
    ['[]', undefined, 'q.json gave no records'],
    ['[{"id": "1", "input": "x"}]', undefined, 'question 1: "profile" is missing. Each question needs'],
    [JSON.stringify([{ id: '1', input: `${title}Q`, profile }]).slice(0, -5), undefined, 'is cut short in element 1.'],
    [[{ id: '1', input: `${title}Q`, profile }], golds(['2', 'G']), 'answers none of the questions in'],
    [
      [{ id: '1', input: `${title}Q`, profile }],
      golds(['1', 'G'], ['1', 'H']),
      'the id "1" has two different outputs.',
    ],
    [[{ id: '1', input: `${title}Q`, profile }], [1], 'has no answers: expected {"task", "golds"'],
  ])('says what is wrong with %j', async (questions, outputs, sentence) => {
    await expect(lamp(questions, outputs)).rejects.toThrow(sentence);
  });
});

describe('importOppu', () => {
  const review = (rating: string, description: string, summary: string) =>
    `Generate the review text written by a reviewer who has a given an overall rating of "${rating}" for a product ` +
    `with description "${description}". The summary of the review text is "${summary}".`;
  const profile = [{ id: '0', overall: 5, description: 'A "fine" pen', summary: 'Good', reviewText: 'I like it.' }];

  test('a folder: the evaluated users with their labels, the others with the gold in each query', async () => {
    const home = join(folder, 'review_writing');
    await mkdir(home);
    const user = (name: object, id: string, gold?: string) => ({
      ...name,
      profile,
      query: [{ id, input: review('4.0', 'Ink', 'Blue'), gold }],
    });
    await file('review_writing/user_top_100_history.json', [
      user({ user_id: 1 }, 'q1'),
      user({ user_name: 'n' }, 'q2'),
    ]);
    await file('review_writing/user_top_100_history_label.json.gz', golds(['q1', 'L1'], ['q2', 'L2']));
    await file('review_writing/user_others.json.gz', [user({ author: 'other' }, 'q1', 'gold')]);

    const train = { id: '0', input: review('5.0', 'A "fine" pen', 'Good'), output: 'I like it.', split: 'train' };
    const query = { input: review('4.0', 'Ink', 'Blue'), split: 'query' };
    expect(await collect(importOppu(home))).toEqual([
      { user: '1', ...train },
      { user: '1', id: 'q1', ...query, output: 'L1' },
      { user: 'n', ...train },
      { user: 'n', id: 'q2', ...query, output: 'L2' },
    ]);
    expect(await collect(importOppu(home, { users: 'others' }))).toEqual([
      { user: 'other', ...train },
      { user: 'other', id: 'q1', ...query, output: 'gold' },
    ]);
  });

  test('numbers keep their digits, as users, ids, labels and texts', async () => {
    const one = (user: string, id: string) =>
      `{"user_id": ${user}, "query": [{"id": ${id}, "input": ${JSON.stringify(review('4.0', 'Ink', 'Blue'))}, "gold": 1.50}],
        "profile": [{"id": ${id}, "overall": 5.0, "description": 0.10, "summary": "s", "reviewText": "t", "date": 2009}]}`;
    const long = ['1234567890123456789', '1234567890123456790', '1.10', '1.1'];
    const path = join(folder, 'digits.json');
    await writeFile(path, `[${long.map(id => one(id, id)).join(',')}]`);
    const records = await collect(importOppu(path));
    expect(records.map(({ user }) => user)).toEqual(long.flatMap(id => [id, id]));
    expect(records.map(({ id }) => id)).toEqual(long.flatMap(id => [id, id]));
    expect(records[0]).toMatchObject({ input: review('5.0', '0.10', 's'), time: '2009-01-01T00:00:00.000Z' });
    expect(records[1]!.output).toBe('1.50');
    const labels = join(folder, 'digits_label.json');
    await writeFile(labels, `{"golds": [${long.map((id, i) => `{"id": ${id}, "output": ${i}.0}`).join(',')}]}`);
    const labelled = (await collect(importOppu(path, { labels }))).filter(({ split }) => split === 'query');
    expect(labelled.map(({ output }) => output)).toEqual(['0.0', '1.0', '2.0', '3.0']);
  });

  test('the release names the file of tweets otherwise', async () => {
    const home = join(folder, 'tweet_paraphrase');
    await mkdir(home);
    const query = [{ id: 'q', input: 'Paraphrase the following tweet without any explanation: x' }];
    const users = [{ user_id: 1, query, profile: [{ id: '0', date: 2009, text: 'W' }] }];
    await file('tweet_paraphrase/user_more_100_history.json.gz', users);
    await file('tweet_paraphrase/user_more_100_history_label.json', golds(['q', 'L']));
    const records = await collect(importOppu(home));
    expect(records.map(({ output }) => output)).toEqual(['W', 'L']);
  });

  test.each([
    [
      'Generate an abstract for the title ',
      '"T" using the following items: 1. x',
      { title: 'T', abstract: 'A' },
      '"T"',
      'A',
    ],
    ['Generate the content for a reddit post ', 'S', { summary: 'S', content: 'C' }, 'S', 'C'],
    ['Generate a headline for the following article: ', 'S', { text: 'S', title: 'C' }, 'S', 'C'],
  ])('%s', async (opening, rest, item, subject, output) => {
    const query = [{ id: 'q', input: opening + rest, gold: 'G' }];
    const path = await file('one.json', [{ user_id: 'u', query, profile: [item] }]);
    const records = await collect(importOppu(path));
    expect(records.map(record => record.input)).toEqual([opening + subject, opening + rest]);
    expect(records.map(record => record.output)).toEqual([output, 'G']);
  });

  test('says what is missing', async () => {
    const query = [{ id: 'q', input: review('4.0', 'Ink', 'Blue') }];
    const of = async (users: unknown) => collect(importOppu(await file('bad.json', users)));
    await expect(of([{ query, profile }])).rejects.toThrow("bad.json: user 1: the user's name is missing");
    await expect(of([{ user_id: 1, profile }])).rejects.toThrow('user 1: "query" is missing.');
    await expect(collect(importOppu(join(folder, 'nowhere')))).rejects.toThrow('nowhere does not exist.');
  });
});
