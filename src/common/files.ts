/** Files and folders written whole or not at all: a reader, or a kill at any moment, never sees half of one. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, lstat, mkdir, open, readdir, readlink, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isAlive } from './alive.ts';
import { IdiolectError } from './errors.ts';
import { inputError } from './input-file.ts';
import { outputError } from './output-error.ts';
import { printable } from './printable.ts';

/** Flushes a file or folder to the disk, so that a rename that follows cannot outlive its content. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Where something is prepared before it takes its name: beside it, hidden, on the same file system. */
export function stagingPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
}

/** Mode of files that hold people's texts: for their owner alone. */
export const PRIVATE = 0o600;

/**
 * Renaming over a device or a link would put a file in its place, whatever it led to.
 *
 * @throws IdiolectError OUTPUT where something is there that is not a regular file
 */
export async function requireReplaceable(path: string): Promise<void> {
  const there = await lstat(path).catch(() => null);
  if (!there || there.isFile()) return;
  if (there.isSymbolicLink()) {
    const target = printable(await readlink(path));
    throw new IdiolectError(
      'OUTPUT',
      `${path} is a symbolic link to ${target}. Name that file itself, or choose another name.`,
    );
  }
  const kind = there.isDirectory() ? 'folder' : there.isFIFO() ? 'pipe' : there.isSocket() ? 'socket' : 'device';
  throw new IdiolectError('OUTPUT', `${path} is a ${kind}, which no file can replace. Choose another name.`);
}

/**
 * Writes a file beside its place and renames it over: the old content or the new, never a mixture.
 *
 * @throws IdiolectError OUTPUT where it cannot be written
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  await requireReplaceable(path);
  const staging = stagingPath(path);
  try {
    const handle = await open(staging, 'w', mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staging, path);
    await flush(dirname(path));
  } catch (error) {
    await rm(staging, { force: true }).catch(() => {});
    throw outputError(path, error);
  }
}

/**
 * Adds a text to the end of a file.
 *
 * @throws IdiolectError OUTPUT where it cannot be written
 */
export async function appendText(path: string, text: string): Promise<void> {
  await appendFile(path, text).catch(error => {
    throw outputError(path, error);
  });
}

/**
 * Makes a folder and those above it that are missing; one that is there stays. Node's own recursive mkdir never returns
 * where the system takes no folders, as in /proc.
 *
 * @throws IdiolectError OUTPUT where it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  const folder = resolve(path);
  const make = () =>
    mkdir(folder).catch(async error => {
      if (!(await isFolder(folder))) throw error;
    });
  try {
    await make().catch(async error => {
      const parent = dirname(folder);
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || (await exists(parent))) throw error;
      await makeFolder(parent);
      await make();
    });
  } catch (error) {
    throw outputError(path, error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    status => status.isDirectory(),
    () => false,
  );
}

/**
 * Fills a folder beside its place and publishes it: whoever looks finds the old folder or the new one.
 *
 * @param fill writes the files into the folder it is given
 * @throws IdiolectError OUTPUT where it cannot be written, and whatever `fill` throws
 */
export async function writeFolderAtomic(path: string, fill: (staging: string) => Promise<void>): Promise<void> {
  const staging = stagingPath(path);
  try {
    await makeFolder(dirname(resolve(path)));
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging);
    await fill(staging);
    await publishFolder(staging, path);
  } catch (error) {
    await rm(staging, { recursive: true, force: true }).catch(() => {});
    // What failed may have been the reading of another file, which says so itself.
    const cause = error instanceof IdiolectError && error.code === 'OUTPUT' ? error.cause : error;
    const place = (cause as NodeJS.ErrnoException | undefined)?.path;
    throw place === undefined || place.startsWith(staging) ? outputError(path, cause) : error;
  }
}

/**
 * Gives a finished folder its name in one step, replacing an older folder of that name.
 *
 * @throws IdiolectError OUTPUT where it cannot
 */
export async function publishFolder(staging: string, path: string): Promise<void> {
  const old = `${stagingPath(path)}.old`;
  try {
    await rm(old, { recursive: true, force: true });
    if (await exists(path)) await rename(path, old);
    await rename(staging, path);
    await flush(dirname(path));
    await rm(old, { recursive: true, force: true });
  } catch (error) {
    throw outputError(path, error);
  }
}

/** Whether a name is one that `stagingPath` gives. */
export const isStaging = (name: string) => /^\..*\.\d+\.partial(\.old)?$/.test(name);

/** Removes what a killed process left half-made in a folder and those below. Only where no other process writes. */
export async function removeStaging(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const replaced = entry.name.match(/^\.(.*)\.\d+\.partial\.old$/)?.[1];
    const home = replaced === undefined ? undefined : join(folder, replaced);
    // Killed between the two renames of `publishFolder`, the old folder is the only whole one.
    if (home !== undefined && !(await exists(home))) await rename(path, home);
    else if (isStaging(entry.name)) await rm(path, { recursive: true, force: true });
    else if (entry.isDirectory()) await removeStaging(path);
  }
}

/**
 * Removes what killed processes left half-made of certain files in a folder, where others may be writing.
 *
 * @param isTarget whether a file of that name is one of them
 */
export async function removeDeadStaging(folder: string, isTarget: (name: string) => boolean): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isFile() && isDeadStaging(entry.name, isTarget)) await rm(join(folder, entry.name), { force: true });
  }
}

/** A file that is staged may be a staging file itself, as in `init`. */
function isDeadStaging(name: string, isTarget: (name: string) => boolean): boolean {
  const [, target, pid] = /^\.(.+)\.(\d{1,10})\.partial$/s.exec(name) ?? [];
  if (target === undefined) return false;
  return isTarget(target) ? !isAlive(Number(pid)) : isDeadStaging(target, isTarget);
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** SHA-256 as lower-case hexadecimal. */
export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/**
 * The same of a file of any size.
 *
 * @throws IdiolectError DATA where it cannot be read
 */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (error) {
    throw inputError(file, error);
  }
  return hash.digest('hex');
}
