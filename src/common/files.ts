/** Files and folders written whole or not at all: a reader, or a kill at any moment, never sees half of one. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

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

/** Writes a file beside its place and renames it over: the old content or the new, never a mixture. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o666): Promise<void> {
  const staging = stagingPath(path);
  const handle = await open(staging, 'w', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(staging, path);
  await flush(dirname(path));
}

/** Gives a finished folder its name in one step, replacing an older folder of that name. */
export async function publishFolder(staging: string, path: string): Promise<void> {
  const old = `${stagingPath(path)}.old`;
  await rm(old, { recursive: true, force: true });
  if (await exists(path)) await rename(path, old);
  await rename(staging, path);
  await flush(dirname(path));
  await rm(old, { recursive: true, force: true });
}

/** Whether a name is one that `stagingPath` gives. */
export const isStaging = (name: string) => /^\..*\.\d+\.partial(\.old)?$/.test(name);

/** Removes what a killed process left half-made in a folder and those below. Only where no other process writes. */
export async function removeStaging(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (isStaging(entry.name)) await rm(path, { recursive: true, force: true });
    else if (entry.isDirectory()) await removeStaging(path);
  }
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

/** The same of a file of any size. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
