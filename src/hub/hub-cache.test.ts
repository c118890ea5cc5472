import * as files from 'node:fs/promises';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CachedModel } from './hub-cache.ts';

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof files>();
  return { ...real, link: vi.fn(real.link), symlink: vi.fn(real.symlink) };
});

let cache = '';
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'idiolect-hub-cache-'));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

async function forbidden(): Promise<never> {
  throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
}

describe('a snapshot', () => {
  it.each([
    ['symbolic links', 'linked', 1],
    ['hard links where there are no symbolic ones', 'hard', 2],
    ['copies where there are neither', 'copied', 1],
  ])('has %s', async (_, kind, links) => {
    if (kind !== 'linked') vi.mocked(files.symlink).mockImplementation(forbidden);
    if (kind === 'copied') vi.mocked(files.link).mockImplementation(forbidden);
    const model = new CachedModel(cache, { id: `owner/${kind}`, revision: 'main' });
    await mkdir(model.blob('.'), { recursive: true });
    await writeFile(model.blob('abc'), 'content');
    const folder = await model.publish('c'.repeat(40), [{ name: 'config.json', hash: 'abc' }], []);
    expect(await readdir(folder)).toEqual(['config.json']);
    expect(await readFile(join(folder, 'config.json'), 'utf8')).toBe('content');
    const found = await lstat(join(folder, 'config.json'));
    expect(found.isSymbolicLink()).toBe(kind === 'linked');
    expect(found.nlink).toBe(links);
  });
});
