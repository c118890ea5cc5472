/** A file that says which process of this machine works on something. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IdiolectError } from './errors.ts';

/**
 * Takes the lock and returns what gives it back; a lock left by a process that is gone is taken over.
 *
 * @param what what is locked and what to do meanwhile, such as `runs/first` and `Wait for it.`
 * @throws IdiolectError CONFIG naming the process that holds it
 */
export async function takeLock(file: string, what: string, meanwhile: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (attempt > 0 || (holder && isAlive(holder))) {
        throw new IdiolectError('CONFIG', `${what} is in use by process ${holder}. ${meanwhile}`);
      }
      await rm(file, { force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
