/** Links that lead out of a folder are refused, at any depth; those that stay in it are not. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refuseLinksOutside } from './links.ts';

let place: string;
let folder: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
  folder = join(place, 'run');
  await mkdir(join(folder, 'adapters'), { recursive: true });
  await mkdir(join(place, 'run-elsewhere'));
  await writeFile(join(place, 'run-elsewhere', 'file'), '');
});
afterEach(() => rm(place, { recursive: true }));

it.each([
  ['metrics.jsonl', '../run-elsewhere/file', 'out of'],
  ['state', '../run-elsewhere', 'out of'],
  ['adapters/ada', '../../run-elsewhere', 'out of'],
  ['adapters/ada', '../..', 'out of'],
  ['adapters/ada/README.md', '/etc/passwd', 'out of'],
  ['run.json', 'nowhere', 'to nothing'],
  ['loop', 'loop', 'to nothing'],
])('%s -> %s is refused', async (name, target, leads) => {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await symlink(target, join(folder, name));
  await expect(refuseLinksOutside(folder)).rejects.toThrow(`${join(folder, name)} is a link that leads ${leads}`);
});

it('takes a folder that is a link itself, and links that stay in it', async () => {
  await symlink('adapters', join(folder, 'again'));
  await symlink(folder, join(place, 'link'));
  await refuseLinksOutside(folder);
  await refuseLinksOutside(join(place, 'link'));
  expect(await readdir(join(place, 'link'))).toEqual(['adapters', 'again']);
});
