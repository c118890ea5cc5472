/** What a failed attempt to write means, in one sentence: what could not be written, why, and what to do. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { IdiolectError } from './errors.ts';

/** Why, and what to do, by the system's code. `folder` is the one the file would be in. */
const REASONS: Readonly<Record<string, (folder: string) => string>> = {
  EACCES: folder => `this user may not write there. Choose another place, or change the permissions of ${folder}.`,
  EPERM: folder => `the system does not allow it. Choose another place, or change the permissions of ${folder}.`,
  EROFS: () => 'the disk is read-only. Choose a place on another disk.',
  ENOSPC: () => 'the disk is full. Free some space, then run the same command again.',
  EDQUOT: () => "this user's share of the disk is used up. Free some space, then run the same command again.",
  EFBIG: () => 'the file is too large for this disk. Choose a place on another disk.',
  ENAMETOOLONG: () => 'the name is too long. Choose a shorter one.',
  EMFILE: () => 'too many files are open. Raise the limit (ulimit -n) and run the same command again.',
  ENFILE: () => 'too many files are open on this machine. Close other programs and run the same command again.',
  EIO: () => 'the disk reports an error. Check the disk, or choose a place on another one.',
  ELOOP: () => 'symbolic links in its path lead to each other. Choose another place.',
  EBUSY: () => 'another program is using it. Close that program and run the same command again.',
  ENOENT: folder => missingFolder(folder),
  ENOTDIR: folder => `${nearestExisting(folder)} is a file, not a folder. Choose another place.`,
  EISDIR: () => 'a folder has that name. Choose another name.',
  EEXIST: () => 'a file or folder has that name. Choose another name.',
  ENOTEMPTY: () => 'a folder with something in it has that name. Choose another name.',
};

/** Calls to the system that change something, whatever their path is. */
const WRITES = new Set(['mkdir', 'rename', 'write', 'fsync', 'ftruncate', 'link', 'symlink', 'unlink', 'copyfile']);

/**
 * The sentence for a failed attempt to write `path`; anything that is not the system's own error is returned as it is.
 */
export function outputError(path: string, error: unknown): unknown {
  if (error instanceof IdiolectError) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  const why = REASONS[code]?.(dirname(resolve(path))) ?? `the system says ${code}. Choose another place.`;
  return new IdiolectError('OUTPUT', `${path} cannot be written: ${why}`, { cause: error });
}

/** The same for a system error that nobody met on its way; one that is not about writing is returned as it is. */
export function uncaughtSystemError(error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const { path, dest, syscall } = error as NodeJS.ErrnoException & { dest?: string };
  if (!(WRITES.has(syscall ?? '') || code === 'EROFS' || code === 'ENOSPC')) return error;
  return outputError(dest ?? path ?? 'a file', error);
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined;
}

function missingFolder(folder: string): string {
  const nearest = nearestExisting(folder);
  return nearest === folder
    ? `${folder} takes no files. Choose another place.`
    : `there is no folder ${folder}. Make it first, or choose another place.`;
}

/** The path itself, or the part of it that is there. */
function nearestExisting(path: string): string {
  let nearest = path;
  while (nearest !== dirname(nearest) && !existsSync(nearest)) nearest = dirname(nearest);
  return nearest;
}
