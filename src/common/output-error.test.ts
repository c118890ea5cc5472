import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHistories } from '../histories/index.ts';
import { appendText, makeFolder, writeFileAtomic, writeFolderAtomic } from './files.ts';
import { takeLock } from './lock.ts';
import { outputError, uncaughtSystemError } from './output-error.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-output-'));
  await writeFile(join(folder, 'file'), 'mine\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As Node throws them. */
const systemError = (code: string, syscall: string, path?: string) =>
  Object.assign(new Error(`${code}: words of the system, ${syscall}`), { code, syscall, errno: -1, path });

describe('what the system says of a write', () => {
  it.each([
    ['EACCES', 'this user may not write there. Choose another place, or change the permissions of /somewhere.'],
    ['EPERM', 'the system does not allow it. Choose another place, or change the permissions of /somewhere.'],
    ['EROFS', 'the disk is read-only. Choose a place on another disk.'],
    ['ENOSPC', 'the disk is full. Free some space, then run the same command again.'],
    ['EDQUOT', "this user's share of the disk is used up. Free some space, then run the same command again."],
    ['ENAMETOOLONG', 'the name is too long. Choose a shorter one.'],
    ['EMFILE', 'too many files are open. Raise the limit (ulimit -n) and run the same command again.'],
    ['ENOENT', 'there is no folder /somewhere. Make it first, or choose another place.'],
    ['EISDIR', 'a folder has that name. Choose another name.'],
    ['ESTALE', 'the system says ESTALE. Choose another place.'],
  ])('%s is one sentence', (code, why) => {
    expect(outputError('/somewhere/x', systemError(code, 'open'))).toMatchObject({
      code: 'OUTPUT',
      message: `/somewhere/x cannot be written: ${why}`,
    });
  });

  it.each([
    [systemError('ENOSPC', 'write'), 'a file cannot be written: the disk is full.'],
    [systemError('EACCES', 'mkdir', '/somewhere'), '/somewhere cannot be written: this user may not write there.'],
    [systemError('EROFS', 'open', '/a/b'), '/a/b cannot be written: the disk is read-only.'],
  ])('also where nobody expected it: %s', (error, sentence) => {
    expect(uncaughtSystemError(error)).toMatchObject({ message: expect.stringContaining(sentence) });
  });

  it('leaves alone what is no failed write', () => {
    for (const error of [new TypeError('a defect'), systemError('EACCES', 'scandir', '/a'), 'text', null]) {
      expect(uncaughtSystemError(error)).toBe(error);
    }
  });
});

describe('every way to write', () => {
  const record = { user: 'a', input: '', output: 'text' };
  const writers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    writeFileAtomic: path => writeFileAtomic(path, 'new'),
    appendText: path => appendText(path, 'new'),
    makeFolder,
    writeFolderAtomic: path => writeFolderAtomic(path, staging => writeFile(join(staging, 'a'), 'new')),
    writeHistories: path => writeHistories(path, [record]),
    takeLock: path => takeLock(path, 'the run', 'Wait.'),
  };
  const cases = Object.keys(writers).flatMap(name => [
    [name, 'below a file', () => join(folder, 'file', 'x', 'y'), 'file is a file, not a folder.'],
    [name, 'with a name too long', () => join(folder, 'x'.repeat(300)), 'the name is too long.'],
  ]) as [string, string, () => string, string][];

  it.each(cases)('%s says what is wrong %s', async (name, _, path, why) => {
    await expect(writers[name]!(path())).rejects.toMatchObject({
      code: 'OUTPUT',
      message: expect.stringMatching(/^\/.* cannot be written: /),
    });
    await expect(writers[name]!(path())).rejects.toThrow(why);
    expect(await readdir(folder)).toEqual(['file']);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('mine\n');
  });

  it.runIf(process.platform === 'linux').each(Object.keys(writers))(
    '%s ends where the system takes no files',
    async name => {
      await expect(writers[name]!('/proc/idiolect/x')).rejects.toThrow(/^\/proc\/.* cannot be written: /);
    },
  );

  it('gives what filling a folder throws, and leaves nothing of it', async () => {
    const path = join(folder, 'filled');
    const failed = systemError('EACCES', 'open', '/elsewhere/base.safetensors');
    const work = writeFolderAtomic(path, () => Promise.reject(failed));
    await expect(work).rejects.toBe(failed);
    const full = writeFolderAtomic(path, () => Promise.reject(systemError('ENOSPC', 'write')));
    await expect(full).rejects.toThrow(`${path} cannot be written: the disk is full.`);
    expect(await readdir(folder)).toEqual(['file']);
  });
});
