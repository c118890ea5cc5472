/** Lineage that a hand or a disk damaged is named with its place; names alone are read from the files that are whole. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readLineage, readLineages, usersWithLineage, writeLineage } from './lineage.ts';
import { RunFolder } from './run-folder.ts';

let folder: RunFolder;
const ada = { user: 'ada', inputs: { own: 'a' }, seen: ['bob'] };
const bob = { user: 'bob', inputs: null, seen: [], forgotten: 1, seenBy: ['ada'] };
beforeEach(async () => {
  folder = new RunFolder(await mkdtemp(join(tmpdir(), 'idiolect-lineage-')));
  for (const lineage of [ada, bob]) await writeLineage(folder, lineage);
});
afterEach(() => rm(folder.path, { recursive: true }));

it('reads what was written, and nothing where there is no such user', async () => {
  expect(await readLineages(folder)).toEqual(new Map([ada, bob].map(one => [one.user, one])));
  expect(await readLineage(folder, 'bob')).toEqual(bob);
  expect(await readLineage(folder, 'eve')).toBe(null);
});

it.each([
  ['empty', '', 'it is empty'],
  ['cut', '{"user": "b', 'Unterminated string'],
  ['null', 'null', 'expected object, received null'],
  ['of another type', JSON.stringify({ ...bob, seen: 'ada' }), '"seen": expected array, received string'],
  ['binary', Buffer.from([0x7b, 0xff, 0xfe]), 'it is not UTF-8 text'],
])('a file that is %s is named with its place and what to do', async (_, content, place) => {
  const file = folder.lineageOf('bob');
  await writeFile(file, content);
  for (const read of [readLineages, readLineage]) {
    const error = await read(folder, 'bob').catch(reason => reason);
    expect(error).toMatchObject({ code: 'CONFIG' });
    expect(error.message).toContain(`${file} is damaged (${place}`);
    expect(error.message).toMatch(
      /\. Remove it together with the adapter of that name, and the same train command makes both again\.$/,
    );
  }
  expect(await usersWithLineage(folder)).toEqual(['ada']);
});

it.each(['.bob.json.12.partial', '._bob.json', '.DS_Store', 'notes.txt'])('passes over %s', async name => {
  await writeFile(join(folder.lineage, name), 'x');
  expect([...(await readLineages(folder)).keys()].sort()).toEqual(['ada', 'bob']);
});
