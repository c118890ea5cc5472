import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readRejected } from './rejected.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-rejected-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('users whose names are long numbers keep their own rejected texts', async () => {
  const file = join(folder, 'rejected.jsonl');
  const users = ['1234567890123456789', '1234567890123456790'];
  const line = (user: string) => `{"user": ${user}, "input": "hi", "output": "yo", "rejected": "not ${user}"}\n`;
  await writeFile(file, users.map(line).join(''));
  const texts = await readRejected(file);
  const rejected = users.map(user => texts.of({ user, input: 'hi', output: 'yo' }));
  expect(rejected).toEqual(users.map(user => `not ${user}`));
});
