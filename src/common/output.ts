/** Files a command is asked to write: what is there already is replaced only where that was asked for, and never an input. */

import { open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { setting } from '../common/wording.ts';
import { IdiolectError } from './errors.ts';
import { removeDeadStaging, requireReplaceable, stagingPath } from './files.ts';
import { outputError } from './output-error.ts';

export interface OutputOptions {
  /** Whether a file of that name may be replaced. */
  readonly force: boolean;
  /** What the command reads: files, and folders of which it may read any file. */
  readonly inputs?: readonly (string | undefined)[];
  /** The setting that lets a file of that name be replaced (default: force). */
  readonly replacedBy?: string;
}

/**
 * To be called before any work: whether a file can be written under that name, and may be. What a killed process left
 * half-made of it is removed.
 *
 * @throws IdiolectError OUTPUT where a file of that name is not to be replaced, is not a regular file, or is an input of
 *   the command under whatever name, and where nothing can be written there
 */
export async function requireOutputFile(
  path: string,
  { force, inputs = [], replacedBy = 'force' }: OutputOptions,
): Promise<void> {
  await requireReplaceable(path);
  const there = await identityOf(path);
  if (there) {
    for (const input of inputs) if (input !== undefined) await requireOther(path, there, input);
    if (!force) {
      throw new IdiolectError(
        'OUTPUT',
        `${path} is there already. Choose another ${setting('out')}, or give ${setting(replacedBy)} to replace it.`,
      );
    }
  }
  await requireWritable(path);
}

interface Identity {
  readonly path: string;
  readonly file: string;
  readonly isFolder: boolean;
}

/** What a path leads to, by whatever links; null where that is nothing. */
async function identityOf(path: string): Promise<Identity | null> {
  try {
    const status = await stat(path, { bigint: true });
    return {
      path: await realpath(path),
      file: `${status.dev}:${status.ino}`,
      isFolder: status.isDirectory(),
    };
  } catch {
    return null;
  }
}

async function requireOther(path: string, there: Identity, input: string): Promise<void> {
  const read = await identityOf(input);
  if (!read) return; // the command will say that it is missing
  if (there.file === read.file) {
    throw new IdiolectError(
      'OUTPUT',
      `${path} is what this command reads (${input}). Choose another ${setting('out')}.`,
    );
  }
  const below = relative(read.path, there.path);
  if (!read.isFolder || below === '..' || below.startsWith(`..${sep}`)) return;
  throw new IdiolectError(
    'OUTPUT',
    `${path} is a file of the folder that this command reads (${input}). Choose another ${setting('out')}.`,
  );
}

/** By trying, as permissions alone do not say; clears what killed processes left half-made of that file. */
async function requireWritable(path: string): Promise<void> {
  const probe = stagingPath(path);
  try {
    await (await open(probe, 'w')).close();
    await rm(probe);
    await removeDeadStaging(dirname(path), name => name === basename(path));
  } catch (error) {
    throw outputError(path, error);
  }
}

/** The file or folder in which git keeps what it knows of a working tree; the path itself for a bare repository. */
export async function repositoryFiles(path: string): Promise<string> {
  const inside = join(path, '.git');
  return (await identityOf(inside)) ? inside : path;
}
