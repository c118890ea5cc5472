/** JSON Lines files: what is written is read back, and what is wrong with a file is said where it is. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IdiolectError } from '../common/errors.ts';
import { collect } from './collect.ts';
import { readHistories, writeHistories } from './jsonl.ts';
import { detectLayout, openHistories } from './open.ts';
import type { HistoryRecord } from './record.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-jsonl-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}
const line = (fields: object = {}) => JSON.stringify({ user: 'a', input: 'i', output: 'o', ...fields });
const failure = async (path: string, read: typeof readHistories = readHistories) => {
  try {
    await collect(read(path));
  } catch (error) {
    expect(error).toMatchObject({ name: 'IdiolectError', code: 'DATA' });
    return (error as Error).message.replace(`${folder}/`, '');
  }
  return 'no failure';
};

const visible = fc.string({ unit: 'binary' }).map(text => `${text}x`);
const anyRecord: fc.Arbitrary<HistoryRecord> = fc.record(
  {
    user: visible,
    input: fc.string({ unit: 'binary' }),
    output: visible,
    id: fc.string(),
    time: fc
      .date({ noInvalidDate: true, min: new Date('0000-01-01'), max: new Date('9999-12-31') })
      .map(date => date.toISOString()),
    label: fc.boolean(),
    weight: fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
    split: fc.constantFrom('train' as const, 'query' as const),
  },
  { requiredKeys: ['user', 'input', 'output'] },
);

describe('round trip', () => {
  test.each(['records.jsonl', 'records.jsonl.gz'])('%s holds what was written', async name => {
    const path = join(folder, name);
    await fc.assert(
      fc.asyncProperty(fc.array(anyRecord, { minLength: 1, maxLength: 20 }), async records => {
        expect(await writeHistories(path, records)).toBe(records.length);
        expect(await collect(readHistories(path))).toEqual(records);
      }),
      { numRuns: 40 },
    );
  });

  test('a line of several megabytes, and lines that end anywhere in the pieces read', async () => {
    const outputs = [3_000_000, 1, 262_144, 262_143, 5].map((size, i) => `${'é'.repeat(size)}${i}`);
    const path = join(folder, 'long.jsonl.gz');
    await writeHistories(
      path,
      outputs.map(output => ({ user: 'a', input: '', output })),
    );
    const read = await collect(readHistories(path));
    expect(read.map(record => record.output === outputs[read.indexOf(record)])).toEqual(outputs.map(() => true));
  });

  test('bad input loses nothing that was there before', async () => {
    const path = await file('kept.jsonl', `${line()}\n`);
    const records = [{ user: 'a', input: '', output: 'x' }, { user: 'a', input: '' } as HistoryRecord];
    await expect(writeHistories(path, records)).rejects.toThrow('record 2: "output" is missing.');
    await expect(writeHistories(path, [])).rejects.toThrow('there are no records to write');
    expect(readFileSync(path, 'utf8')).toBe(`${line()}\n`);
    expect(readdirSync(folder).filter(name => name.endsWith('.partial'))).toEqual([]);
  });
});

describe('reading', () => {
  test('goes by content, not by name; passes over a mark, blank lines, CRLF; splits at line feeds only', async () => {
    const path = await file('odd.txt', gzipSync(`\ufeff${line()}\r\n\r\n  \n${line({ output: 'a\u2028b' })}`));
    const records = await collect(readHistories(path));
    expect(records.map(record => record.output)).toEqual(['o', 'a\u2028b']);
  });

  test('joined gzip files read as one', async () => {
    const path = await file('joined.gz', Buffer.concat([gzipSync(`${line()}\n`), gzipSync(`${line()}\n`)]));
    expect(await collect(readHistories(path))).toHaveLength(2);
  });

  test('names file, line and field', async () => {
    const path = await file('histories.jsonl', `${line()}\n\n{"user": "a", "input": "b"}\n`);
    expect(await failure(path)).toBe(
      'histories.jsonl:3: "output" is missing. Each record needs user, input and output.',
    );
    const error = await collect(readHistories(path)).catch((error: IdiolectError) => error);
    expect(error).toMatchObject({
      code: 'DATA',
      details: { file: path, line: 3, field: 'output', expected: 'a string with at least one visible character' },
    });
  });

  test('a bad line can be left out, and is reported', async () => {
    const path = await file('skip.jsonl', `${line()}\n{"user": 1}\nnot json\n${line()}\n`);
    const told: [string, number][] = [];
    const onSkip = (message: string, skipped: number) => told.push([message.replace(`${folder}/`, ''), skipped]);
    expect(await collect(readHistories(path, { skipBad: true, onSkip }))).toHaveLength(2);
    expect(told.map(([, count]) => count)).toEqual([1, 2]);
    expect(told[0]![0]).toContain('skip.jsonl:2: "user" is 1;');
    expect(told[1]![0]).toContain('skip.jsonl:3: not JSON');
  });

  test.each([
    ['an empty file', '', 'x has no records: it is empty.'],
    ['blank lines only', '\n \n', 'x has no records: it is empty.'],
    ['no JSON', 'user,input,output\n', 'x:1: not JSON ('],
    ['a list', '["a"]\n', 'x:1: found a list where an object was expected.'],
    ['Latin-1', Buffer.from(line({ output: 'café' }), 'latin1'), 'x:1: not valid UTF-8. Save the file as UTF-8.'],
    ['UTF-16', Buffer.from(`\ufeff${line()}`, 'utf16le'), 'x:1: not valid UTF-8 (it looks like UTF-16).'],
    [
      'half a surrogate pair',
      '{"user": "a\\ud800", "input": "", "output": "o"}',
      'x:1: "user" is "a\\ud800"; it must be',
    ],
    ['deep nesting', `{"user": ${'['.repeat(100_000)}`, 'x:1: not JSON ('],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', 'is a Git LFS pointer'],
    ['an endless line', gzipSync(Buffer.alloc(17 * 2 ** 20, 'x')), 'x:1: the line is longer than 16 MiB.'],
    ['truncated gzip', gzipSync(`${line()}\n`).subarray(0, 30), 'x is a damaged or truncated gzip file ('],
    ['broken gzip', Buffer.from([0x1f, 0x8b, 1, 2, 3, 4]), 'x is a damaged or truncated gzip file ('],
  ])('says what is wrong with %s', async (_, content, sentence) => {
    expect(await failure(await file('x', content))).toContain(sentence);
  });

  test('says that a file is missing, or a folder, or without a usable line', async () => {
    expect(await failure(join(folder, 'none.jsonl'))).toBe('none.jsonl does not exist.');
    expect(await failure(folder)).toContain('is a folder; a file was expected.');
    const path = await file('bad.jsonl', '{}\n{}\n');
    const all = collect(readHistories(path, { skipBad: true }));
    await expect(all).rejects.toThrow('has no usable records: all of its 2 lines were left out as bad.');
  });

  test('stops and closes the file when the reader stops', async () => {
    const path = await file('many.gz', gzipSync(`${line()}\n`.repeat(200_000)));
    for await (const record of readHistories(path)) {
      expect(record.user).toBe('a');
      break;
    }
    await rm(path);
    expect(existsSync(path)).toBe(false);
  });
});

test('numbers that a double cannot hold keep their digits', async () => {
  const ids = ['1234567890123456789', '1234567890123456790', '9007199254740993', '-9007199254740993', '42'];
  const path = await file('ids.jsonl', ids.map(id => `{"user":"a","input":"","output":"o","id":${id}}\n`).join(''));
  expect((await collect(readHistories(path))).map(({ id }) => id)).toEqual(ids);
});

test.skipIf(process.platform === 'win32')('histories can be read by their owner alone', async () => {
  const path = join(folder, 'private.jsonl');
  await writeHistories(path, [{ user: 'a', input: '', output: 'o' }]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

describe('openHistories', () => {
  const commit = { user: 'a', date: '2024-01-02', files: ['M x.ts'], nfiles: 3, diff: '-a\n+b', subject: 'Change x' };

  test('reads records and commits alike', async () => {
    expect(await collect(openHistories(await file('r.jsonl', line())))).toEqual([JSON.parse(line())]);
    const commits = await file('c.jsonl', `${JSON.stringify(commit)}\n${JSON.stringify({ ...commit, diff: '' })}\n`);
    expect(await detectLayout(commits)).toBe('commits');
    expect(await collect(openHistories(commits))).toEqual([
      { user: 'a', input: 'M x.ts\n... 2 more\n-a\n+b', output: 'Change x', time: '2024-01-02T00:00:00.000Z' },
      { user: 'a', input: 'M x.ts\n... 2 more', output: 'Change x', time: '2024-01-02T00:00:00.000Z' },
    ]);
  });

  test.each([
    [JSON.stringify({ prompt: 'p', completion: 'c' }), ':1: expected the fields {user, input, output} (records) or'],
    [JSON.stringify({ prompt: 'p', completion: 'c' }), 'found: prompt, completion.'],
    [
      JSON.stringify({ prompt: 'p', completion: 'c' }),
      '--user-field WHO --input-field prompt --output-field completion',
    ],
    [JSON.stringify({ messages: [] }), '"messages" holds a conversation: write one line for each turn of a user'],
    [JSON.stringify({ conversations: [] }), '"conversations" holds a conversation'],
    [JSON.stringify({ prompt: [{ role: 'user', content: 'q' }], completion: [] }), '"prompt" holds a conversation'],
    [
      JSON.stringify({ prompt: 'p', chosen: 'c', rejected: 'r' }),
      'u-histories.jsonl (replace WHO; the columns are prompt, chosen, rejected)',
    ],
    ['PAR1\u0015', 'is a Parquet file. idiolect import longlamp reads'],
    [
      'From,Subject,Body,Date\nada,a,b,2026\n',
      '--user-field From --input-field Subject --output-field Body --time-field Date --out',
    ],
    ['a;b c\n1;2\n', '(replace WHO and TEXT; the columns are a, b c)'],
    ['[{"id": 1}]', 'is a JSON list, not JSON Lines. Read files of LaMP with idiolect import lamp'],
    ['{"user": "a", "input": "b"}', ':1: "output" is missing.'],
    [JSON.stringify({ ...commit, files: 'x' }), ':1: "files" is "x"; it must be a list of strings'],
    [JSON.stringify({ ...commit, date: 'yesterday' }), ':1: "date" is "yesterday"; it must be an ISO 8601 date'],
    ['', 'has no records: it is empty.'],
  ])('says what is wrong with %s', async (content, sentence) => {
    expect(await failure(await file('u.jsonl', content), openHistories)).toContain(sentence);
  });

  test('names the reader of a git repository', async () => {
    const path = join(folder, 'repository');
    await mkdir(join(path, '.git'), { recursive: true });
    expect(await failure(path, openHistories)).toContain(
      'repository is a git repository. Import it first: idiolect import git',
    );
  });
});
