import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeStaging } from './files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('clears what a kill left, and gives back a folder that was about to be replaced', async () => {
  const make = async (name: string, content: string) => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'file'), content);
  };
  await make('adapters/.ada.7.partial.old', 'the only one');
  await make('adapters/.ada.7.partial', 'half');
  await make('adapters/.grace.7.partial.old', 'old');
  await make('adapters/grace', 'new');
  await removeStaging(folder);
  expect((await readdir(join(folder, 'adapters'))).sort()).toEqual(['ada', 'grace']);
  expect(await readFile(join(folder, 'adapters/ada/file'), 'utf8')).toBe('the only one');
  expect(await readFile(join(folder, 'adapters/grace/file'), 'utf8')).toBe('new');
});
