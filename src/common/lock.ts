/** A file that says which process of this machine works on something. */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from './alive.ts';
import { IdiolectError } from './errors.ts';
import { makeFolder, stagingPath } from './files.ts';
import { outputError } from './output-error.ts';

/**
 * What this process holds. A container that was killed and started again gives out the same process ids, so that the
 * own id in a file alone does not tell that it is this process's.
 */
const held = new Set<string>();

/**
 * Takes the lock and returns what gives it back; a lock left by a process that is gone is taken over.
 *
 * @param what what is locked and what to do meanwhile, such as `runs/first` and `Wait for it.`
 * @throws IdiolectError CONFIG naming the process that holds it, and the file
 */
export async function takeLock(file: string, what: string, meanwhile: string): Promise<() => Promise<void>> {
  const path = resolve(file);
  const inUse = (by: string) =>
    new IdiolectError(
      'CONFIG',
      `${what} is in use by ${by}. ${meanwhile} Where that is no idiolect, delete the lock file ${path}.`,
    );
  if (held.has(path)) throw inUse(`process ${process.pid}`);
  held.add(path);
  try {
    await makeFolder(dirname(path));
    for (let attempt = 0; !(await create(path)); attempt++) {
      const holder = await holderOf(path);
      const isTheirs = holder !== 0 && holder !== process.pid && isAlive(holder);
      // A second time: another process took it over at the same moment.
      if (attempt > 0 || isTheirs) throw inUse(holder === 0 ? 'another process' : `process ${holder}`);
      await rm(path, { force: true });
    }
  } catch (error) {
    held.delete(path);
    throw outputError(path, error);
  }
  return async () => {
    await rm(path, { force: true });
    held.delete(path);
  };
}

/** Whether there was no such file, and now is. It gets its name with the id in it, so that nobody reads it empty. */
async function create(path: string): Promise<boolean> {
  const staging = stagingPath(path);
  const id = String(process.pid);
  try {
    await writeFile(staging, id);
    await link(staging, path).catch(error => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
      // No hard links there, as on exFAT and some network shares: for a moment the file is empty, see `holderOf`.
      return writeFile(path, id, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(staging, { force: true }).catch(() => {});
  }
}

/** 0 where the file names none, even after the moment in which one without hard links is empty. */
async function holderOf(path: string): Promise<number> {
  // Only digits: the system takes 0 and negative numbers for groups of processes, which are always there.
  const read = async () =>
    Number(/^[1-9]\d{0,9}$/.exec((await readFile(path, 'utf8').catch(() => '')).trim())?.[0] ?? 0);
  const holder = await read();
  if (holder !== 0) return holder;
  await pause(100);
  return read();
}
