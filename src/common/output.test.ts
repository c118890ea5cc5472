import { execFileSync } from 'node:child_process';
import { link, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHistories } from '../histories/index.ts';
import { writeFileAtomic } from './files.ts';
import { repositoryFiles, requireOutputFile } from './output.ts';

let folder = '';
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-output-'));
  for (const name of ['data', 'data/sub', 'repository', 'repository/.git', 'bare']) await mkdir(at(name));
  for (const name of ['there', 'input', 'data/part', 'data/sub/part', 'repository/.git/config', 'repository/old']) {
    await writeFile(at(name), 'mine\n');
  }
  await link(at('input'), at('hard-link'));
  await symlink(at('input'), at('soft-link'));
  await symlink(at('nowhere'), at('dangling'));
  await symlink(at('data'), at('data-link'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a file to write', () => {
  it.each([
    ['a new name', 'new', false],
    ['a file that is there, when told so', 'there', true],
    ['a file beside what git keeps', 'repository/old', true],
  ])('may be %s', async (_, name, force) => {
    const before = await readdir(folder);
    const inputs = [at('input'), at('data'), at('missing'), undefined, await repositoryFiles(at('repository'))];
    await expect(requireOutputFile(at(name), { force, inputs })).resolves.toBeUndefined();
    expect(await readdir(folder)).toEqual(before);
  });

  it.each([
    ['is there already', 'there', false, ' is there already. Choose another `out`, or give `force` to replace it.'],
    ['is an input', 'input', true, ' is what this command reads ('],
    ['is an input and not to be replaced', 'input', false, ' is what this command reads ('],
    ['is an input by a hard link', 'hard-link', true, ' is what this command reads ('],
    ['is in a folder of inputs', 'data/part', true, ' is a file of the folder that this command reads ('],
    ['is deep in a folder of inputs', 'data/sub/part', true, ' is a file of the folder that this command reads ('],
    ['is in it by a link', 'data-link/part', true, ' is a file of the folder that this command reads ('],
    ['is one of git’s', 'repository/.git/config', true, ' is a file of the folder that this command reads ('],
    ['is a link', 'soft-link', true, '/input. Name that file itself, or choose another name.'],
    ['is a link to nothing', 'dangling', true, '/nowhere. Name that file itself, or choose another name.'],
    ['is a folder', 'data', true, ' is a folder, which no file can replace. Choose another name.'],
    ['is in no folder', 'none/new', true, '/none. Make it first, or choose another place.'],
    ['is below a file', 'there/new', true, '/there is a file, not a folder. Choose another place.'],
  ])('is refused where it %s', async (_, name, force, sentence) => {
    const inputs = [at('input'), at('data'), await repositoryFiles(at('repository'))];
    const refused = requireOutputFile(at(name), { force, inputs });
    await expect(refused).rejects.toMatchObject({ code: 'OUTPUT', message: expect.stringContaining(sentence) });
  });

  it('is an input by the link the input was named by', async () => {
    const refused = requireOutputFile(at('input'), { force: true, inputs: [at('soft-link')] });
    await expect(refused).rejects.toThrow(`${at('input')} is what this command reads (${at('soft-link')}).`);
  });
});

describe.skipIf(process.platform === 'win32')('what is not a regular file', () => {
  const kinds: readonly (readonly [string, () => string])[] = [
    ['device', () => '/dev/null'],
    [
      'pipe',
      () => {
        const path = at('pipe');
        execFileSync('mkfifo', [path]);
        return path;
      },
    ],
  ];
  it.each(kinds)('a %s stays what it is, whoever writes', async (kind, make) => {
    const path = make();
    const { mode } = await lstat(path);
    const record = { user: 'a', input: '', output: 'text' };
    const sentence = `${path} is a ${kind}, which no file can replace. Choose another name.`;
    await expect(requireOutputFile(path, { force: true })).rejects.toThrow(sentence);
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow(sentence);
    await expect(writeHistories(path, [record])).rejects.toThrow(sentence);
    expect((await lstat(path)).mode).toBe(mode);
  });

  it('a link too, and what it leads to', async () => {
    await expect(writeFileAtomic(at('soft-link'), 'new')).rejects.toThrow('is a symbolic link to ');
    expect(await readFile(at('input'), 'utf8')).toBe('mine\n');
  });
});
