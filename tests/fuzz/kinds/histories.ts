/** Files a person hands over as histories: records, commits, tables. */
import { join } from 'node:path';
import { detectSource, importTable, openHistories } from '../../../src/histories/index.ts';
import { readRejected } from '../../../src/histories/rejected.ts';
import type { Kind, Reading } from '../kind.ts';

const lines = (...values: unknown[]) => Buffer.from(values.map(value => `${JSON.stringify(value)}\n`).join(''));

const RECORDS = [
  { user: 'ada', input: 'fix parser', output: 'fix(parser): done', time: '2026-01-01T00:00:00.000Z', id: 'a' },
  { user: 'grace', input: 'test cache', output: 'Tested the cache, finally!', time: '2026-01-02', label: true },
  { user: 'zoë', input: '', output: 'Ü 你好 🙂', split: 'query' },
];
const COMMIT = { user: 'ada', files: ['a.ts'], diff: '+1', subject: 'fix', body: '', time: '2026-01-01T00:00:00Z' };
const ROWS = [
  ['author', 'question', 'answer', 'sent'],
  ['ada', 'What, then?', 'He said ""no""', '2026-01-01 10:00:00'],
  ['grace', 'two\nlines', 'plain', '1767225600'],
];
const COLUMNS = { user: 'author', input: 'question', output: 'answer', time: 'sent' };

function table(separator: string): Buffer {
  return Buffer.from(ROWS.map(row => row.map(cell => `"${cell}"`).join(separator)).join('\n'));
}

async function all(records: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of records);
}

export const histories: Kind = async () => {
  const readings: Reading[] = [];
  for (const [name, values] of [
    ['records.jsonl', RECORDS],
    ['commits.jsonl', [COMMIT, COMMIT]],
  ] as const) {
    const files = { [name]: lines(...values) };
    readings.push({ name: `--data ${name}`, files, read: folder => all(openHistories(join(folder, name))) });
  }
  const skipped = { 'some.jsonl': lines(...RECORDS, ...RECORDS) };
  const skip = { skipBad: true };
  readings.push({
    name: '--skip-bad',
    files: skipped,
    read: folder => all(openHistories(join(folder, 'some.jsonl'), skip)),
  });
  const formats = { 'comma.csv': ',', 'semicolon.csv': ';', 'tab.tsv': '\t' };
  for (const [name, separator] of Object.entries(formats)) {
    readings.push({
      name: `import table ${name}`,
      files: { [name]: table(separator) },
      read: folder => all(importTable(join(folder, name), { columns: COLUMNS })),
    });
  }
  const pairs = RECORDS.map(({ user, input, output }) => ({ user, input, output, rejected: 'no' }));
  readings.push({
    name: '--rejected',
    files: { 'rejected.jsonl': lines(...pairs) },
    read: folder => readRejected(join(folder, 'rejected.jsonl')),
  });
  const named = RECORDS.map(({ user, input, output }) => ({ author: user, question: input, answer: output, sent: 0 }));
  readings.push({
    name: 'import table lines.jsonl',
    files: { 'lines.jsonl': lines(...named) },
    read: folder => all(importTable(join(folder, 'lines.jsonl'), { columns: COLUMNS })),
  });
  readings.push({
    name: 'init --data',
    files: { 'any.csv': table(',') },
    read: folder => detectSource(join(folder, 'any.csv')),
  });
  return readings;
};
