import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInput, readInputJson, readInputText } from './input-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-input-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

describe('a file handed over', () => {
  it('is read as bytes, text and JSON, without its byte order mark', async () => {
    const path = await file('fine.json', '\ufeff{"a": 1}');
    expect((await readInput(path)).length).toBe(11);
    expect(await readInputText(path)).toBe('{"a": 1}');
    expect(await readInputJson(path)).toEqual({ a: 1 });
  });

  it.skipIf(process.platform === 'win32')('does not hang on a pipe', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(readInput(path)).rejects.toMatchObject({ message: `${path} is a pipe; a file was expected.` });
  });

  it.each([
    ['a folder', async () => mkdir(join(folder, 'sub')).then(() => join(folder, 'sub')), 'is a folder; a file was'],
    ['a missing file', async () => join(folder, 'none'), 'does not exist.'],
    ['text that is not UTF-8', () => file('latin', Uint8Array.of(0x22, 0xe9, 0x22)), 'is not valid UTF-8. Save it as'],
    ['half of a JSON file', () => file('half.json', '{"a":'), 'is not valid JSON ('],
    [
      'a Git LFS pointer',
      () => file('lfs', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      'git lfs pull',
    ],
  ])('refuses %s in one sentence', async (_, make, sentence) => {
    const path = await make();
    await expect(readInputJson(path, { code: 'MODEL' })).rejects.toMatchObject({
      code: 'MODEL',
      message: expect.stringContaining(sentence),
    });
  });

  it('refuses what is larger than it can be', async () => {
    const path = await file('large', 'x'.repeat(100));
    await expect(readInput(path, { most: 99 })).rejects.toThrow('has 100 bytes; at most 99 were expected.');
  });
});
