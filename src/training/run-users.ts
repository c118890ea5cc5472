/** Whose adapters a run folder holds. Folders carry encoded names; people use the names that are in the data. */
import { readdir } from 'node:fs/promises';
import { IdiolectError } from '../common/errors.ts';
import { knownName } from '../common/name-list.ts';
import { didYouMean } from '../common/nearest.ts';
import { printable } from '../common/printable.ts';
import { folderName, type RunFolder } from './run-folder.ts';

/** Users with an adapter, in the order of their names. */
export async function usersWithAdapter(folder: RunFolder): Promise<string[]> {
  const logged = (await folder.readMetrics()).map(({ user }) => String(user));
  const users = new Map([...new Set(logged)].map(user => [folderName(user), user]));
  const found: string[] = [];
  for (const name of await readdir(folder.adapters).catch(() => [])) {
    const user = users.get(name) ?? decoded(name);
    if (folderName(user) === name && (await folder.hasAdapter(user))) found.push(user);
  }
  return found.sort();
}

/** The user of a folder that carries no hash. */
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
 * @throws IdiolectError DATA naming the nearest user, and the users there are
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
