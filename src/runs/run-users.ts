/** Finds the users whose adapters a run folder holds. Folders have encoded names; people use the names in the data. */
import { readdir } from 'node:fs/promises';
import { IdiolectError } from '../common/errors.ts';
import { knownName } from '../common/name-list.ts';
import { didYouMean } from '../common/nearest.ts';
import { printable } from '../common/printable.ts';
import { folderName } from './folder-names.ts';
import { usersWithLineage } from './lineage.ts';
import type { RunFolder } from './run-folder.ts';

/**
 * Users with an adapter, in the order of their names. Folders whose names contain a hash are matched to the names in
 * the lineage.
 *
 * @param named further users the run may hold adapters of
 */
export async function usersWithAdapter(folder: RunFolder, named: readonly string[] = []): Promise<string[]> {
  const known = [...named, ...(await usersWithLineage(folder))];
  const users = new Map(known.map(user => [folderName(user), user]));
  const found: string[] = [];
  for (const name of await adapterFolders(folder)) {
    const user = users.get(name) ?? decoded(name);
    if (folderName(user) === name && (await folder.hasAdapter(user))) found.push(user);
  }
  return found.sort();
}

/**
 * The user with an adapter that a person means. Files other than the adapters are read only where no adapter has that
 * exact name.
 *
 * @throws IdiolectError DATA naming the nearest user and the known users
 */
export async function userWithAdapter(name: string, folder: RunFolder): Promise<string> {
  // Looks in the listing, since some file systems ignore case in names.
  const isThere = (await adapterFolders(folder)).includes(folderName(name)) && (await folder.hasAdapter(name));
  return isThere ? name : userNamed(name, await usersWithAdapter(folder), folder.path);
}

async function adapterFolders(folder: RunFolder): Promise<string[]> {
  return readdir(folder.adapters).catch(() => []);
}

/** The user of a folder whose name has no hash. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Users listed in an error; the rest are counted. */
const LISTED = 10;

/** Names for an error: the first ones, and how many more there are. */
export function someOf(users: readonly string[]): string {
  const list = users.slice(0, LISTED).map(user => printable(user));
  return `${list.join(', ')}${users.length > LISTED ? ` and ${users.length - LISTED} more` : ''}`;
}

/**
 * The user of a run that a person means.
 *
 * @param users those with an adapter
 * @throws IdiolectError DATA naming the nearest user and the known users
 */
export function userNamed(name: string, users: readonly string[], run: string): string {
  const found = knownName(name, users);
  if (found !== undefined) return found;
  if (users.length === 0) throw new IdiolectError('DATA', `${run} has no adapter yet. Train first.`);
  throw new IdiolectError(
    'DATA',
    `${run} has no adapter for "${printable(name)}".${printable(didYouMean(name, users))} It has adapters for ${someOf(users)}.`,
  );
}
