import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { takeLock } from './lock.ts';

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof files>();
  return { ...real, link: vi.fn(real.link), writeFile: vi.fn(real.writeFile) };
});

let folder = '';
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const place = () => join(folder, String(count++), 'some.lock');
const take = (file: string) => takeLock(file, 'runs/first', 'Wait for it.');
const refusal = (pid: number, file: string) =>
  `runs/first is in use by process ${pid}. Wait for it. Where that is no idiolect, delete the lock file ${file}.`;

/** A lock file that is there before anybody takes it. */
async function left(content: string): Promise<string> {
  const file = place();
  const unlock = await take(file);
  await unlock();
  await writeFile(file, content);
  return file;
}

describe('a lock', () => {
  it('is held by one at a time, in this process too, and leaves nothing', async () => {
    const file = place();
    const [first, second] = await Promise.allSettled([take(file), take(file)]);
    expect(second).toMatchObject({ reason: { code: 'CONFIG', message: refusal(process.pid, file) } });
    expect(await readFile(file, 'utf8')).toBe(String(process.pid));
    if (first.status === 'fulfilled') await first.value();
    const unlock = await take(file);
    await unlock();
    expect(await readdir(join(file, '..'))).toEqual([]);
  });

  it('of another process is respected, and named with its file', async () => {
    const file = await left(String(process.ppid));
    await expect(take(file)).rejects.toMatchObject({ code: 'CONFIG', message: refusal(process.ppid, file) });
    expect(await readFile(file, 'utf8')).toBe(String(process.ppid));
  });

  it.each([
    ['a process that is gone', '999999999'],
    ['an earlier process of the same id, as in a container started again', String(process.pid)],
    ['a process killed before it wrote its id', ''],
    ['a hand that wrote a group of processes', '-1'],
  ])('left by %s is taken over', async (_, content) => {
    const unlock = await take(await left(content));
    await unlock();
  });

  it('is never seen without an id in it', async () => {
    const file = place();
    const seen: string[] = [];
    const { writeFile: real } = await vi.importActual<typeof files>('node:fs/promises');
    vi.mocked(files.writeFile).mockImplementation(async (...call) => {
      // What opens and fills a file is not one step.
      await real(call[0], '', call[2]);
      if (existsSync(file)) seen.push(readFileSync(file, 'utf8'));
      await real(call[0], call[1]);
    });
    const unlock = await take(file);
    vi.mocked(files.writeFile).mockImplementation(real);
    expect(seen).toEqual([]);
    await unlock();
  });

  it('holds where there are no hard links', async () => {
    vi.mocked(files.link).mockImplementation(async () => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    const file = await left(String(process.ppid));
    await expect(take(file)).rejects.toThrow(refusal(process.ppid, file));
    await writeFile(file, '');
    const unlocking = take(file);
    setTimeout(() => writeFileSync(file, String(process.ppid)), 20); // by one that was about to
    await expect(unlocking).rejects.toThrow(refusal(process.ppid, file));
    await writeFile(file, '999999999');
    const unlock = await take(file);
    expect(await readFile(file, 'utf8')).toBe(String(process.pid));
    await unlock();
  });
});
