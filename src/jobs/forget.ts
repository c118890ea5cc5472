/** `idiolect forget`: removes a user from a run. Files outside the run, such as the histories, are not touched. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { exists, removeStaging } from '../common/files.ts';
import { inputError } from '../common/input-file.ts';
import { knownName, namesOf } from '../common/name-list.ts';
import { didYouMean } from '../common/nearest.ts';
import { outputError } from '../common/output-error.ts';
import { printable } from '../common/printable.ts';
import { readUserSplit, splitFingerprint, writeUserSplit } from '../histories/index.ts';
import { type Lineage, readLineages, writeLineage } from '../runs/lineage.ts';
import { RunFolder } from '../runs/run-folder.ts';
import type { RunRecord } from '../runs/run-record.ts';
import { someOf, usersWithAdapter } from '../runs/run-users.ts';
import { trainSchema } from '../runs/settings.ts';

export const forgetSchema = z.object({
  out: z.string().describe('run folder written by idiolect train'),
  cache: trainSchema.shape.cache.describe('folder of the caches (default: the one the run was made with)'),
});

export type ForgetSettings = z.infer<typeof forgetSchema>;

export interface Forgotten {
  readonly user: string;
  readonly run: string;
  /** Users whose adapters were trained against texts of the user. */
  readonly seenBy: readonly string[];
  /** Users whose adapters may have been: an earlier version that recorded no lineage made them. */
  readonly unknown: readonly string[];
  /** The folder in which caches were looked for. */
  readonly cache: string;
  /** Caches that may have held numbers about the user's texts among others, removed whole. */
  readonly caches: readonly string[];
}

/**
 * Removes a user's adapter, checkpoint, alpha, scores, metrics and name from a run, and the caches that may hold data
 * about the user's texts. The user's lineage, which lists the adapters that saw the texts, is removed last, so that
 * after a kill the same call finishes the work and returns the same list.
 *
 * @throws IdiolectError CONFIG where the folder is in use or not a run of `train`; DATA for an unknown user
 */
export async function forget(name: string, { out, cache }: ForgetSettings): Promise<Forgotten> {
  const folder = new RunFolder(out);
  requireTrainRun(out, await folder.read());
  const unlock = await folder.lock();
  try {
    // Otherwise a replaced adapter that a kill left behind would come back at the next start.
    await removeStaging(folder.path);
    const record = requireTrainRun(out, await folder.read());
    const lineages = await readLineages(folder);
    const logged = (await folder.readMetrics()).map(step => step.user);
    const withAdapter = await usersWithAdapter(folder, logged);
    const user = userKnown(name, await knownUsers(folder, record, lineages, [...withAdapter, ...logged]), out);
    const own = lineages.get(user);
    const others = [...lineages.values()].filter(lineage => lineage.user !== user);
    const seeing = others.filter(({ seen }) => seen.includes(user));
    const seenBy = [...new Set([...(own?.seenBy ?? []), ...seeing.map(lineage => lineage.user)])].sort();
    await writeLineage(folder, { ...(own ?? { user, inputs: null, seen: [] }), seenBy });

    for (const path of [folder.adapterOf(user), folder.stateOf(user), folder.scoresOf(user)]) await remove(path);
    const caches = cache ?? cacheOf(record);
    const removed = await removeCaches(caches, record);
    const overlaps = await folder.readOverlaps();
    if (overlaps.delete(user)) await folder.writeOverlaps(overlaps);
    await forgetName(folder, user);
    for (const { seen, forgotten = 0, ...lineage } of seeing) {
      await writeLineage(folder, { ...lineage, seen: seen.filter(one => one !== user), forgotten: forgotten + 1 });
    }
    await folder.truncateMetrics(user, -1);
    await remove(folder.lineageOf(user));
    const unknown = withAdapter.filter(one => one !== user && !lineages.has(one));
    return { user, run: out, seenBy, unknown, cache: caches, caches: removed };
  } finally {
    await unlock();
  }
}

/** @throws IdiolectError CONFIG for a folder that `train` did not make, or made as part of a comparison */
function requireTrainRun(out: string, record: RunRecord | null): RunRecord {
  if (!record) throw new IdiolectError('CONFIG', `${out} is not a run: there is no run.json.`);
  const { method, methods } = record.settings;
  if (method && !methods && method.origin !== 'method') return record;
  throw new IdiolectError(
    'CONFIG',
    `${out} was not made by idiolect train, and a user cannot be removed from a comparison or an adapted model: remove ` +
      'the folder, and make it again from histories without the user.',
  );
}

/** @throws IdiolectError DATA naming the nearest user and the known users */
function userKnown(name: string, known: readonly string[], out: string): string {
  const user = knownName(name, known);
  if (user !== undefined) return user;
  const names = known.length > 0 ? ` It has data of ${someOf(known)}.` : '';
  throw new IdiolectError(
    'DATA',
    `${out} has no data of a user "${printable(name)}".${printable(didYouMean(name, known))}${names}`,
  );
}

/** Every user the folder names, so that a user without an adapter, or with one no longer, can be removed as well. */
async function knownUsers(
  folder: RunFolder,
  { settings }: RunRecord,
  lineages: ReadonlyMap<string, Lineage>,
  named: readonly string[],
): Promise<string[]> {
  const divided = (await exists(folder.usersFile)) ? await readUserSplit(folder.usersFile) : null;
  const split = divided ? [...divided.targets, ...(divided.others ?? [])] : [];
  const estimated = (await folder.readOverlaps()).keys();
  const seen = [...lineages.values()].flatMap(lineage => lineage.seen);
  const known = new Set([...named, ...lineages.keys(), ...seen, ...estimated, ...split]);
  const list = settings.users?.value;
  const isCount = typeof list === 'string' && /^first:\d+$/.test(list);
  const asked = typeof list === 'string' && !isCount ? namesOf(list, [...known], 'users') : [];
  return [...new Set([...known, ...asked])].sort();
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(error => {
    throw outputError(path, error);
  });
}

function cacheOf({ settings }: RunRecord): string {
  const { value } = settings.cache ?? {};
  return typeof value === 'string' ? value : defaultCacheFolder();
}

/**
 * Reference scores of the model and embeddings are kept by hashes of texts, which do not say whose the texts are. What
 * is removed is computed again when needed, with the same result.
 */
async function removeCaches(cache: string, { sources }: RunRecord): Promise<string[]> {
  const removed: string[] = [];
  const isOurs = {
    reference: (name: string) => name.startsWith(sources.model.slice(0, 32)),
    embeddings: (name: string) => name.endsWith('.f32'),
  };
  for (const [name, is] of Object.entries(isOurs)) {
    const folder = join(cache, name);
    if (!(await exists(folder))) continue;
    const names = await readdir(folder).catch(error => {
      throw inputError(folder, error, 'CONFIG');
    });
    for (const file of names.filter(is).map(one => join(folder, one))) {
      await remove(file);
      removed.push(file);
    }
  }
  return removed;
}

/**
 * Removes the name from the division of users, whose fingerprint is in run.json, and from the users that were asked
 * for.
 */
async function forgetName(folder: RunFolder, user: string): Promise<void> {
  if (!(await exists(folder.usersFile))) return folder.forgetUsers(undefined);
  const { others = [], ...split } = await readUserSplit(folder.usersFile);
  const isOther = (one: string) => one !== user;
  const left = { ...split, targets: split.targets.filter(isOther), others: others.filter(isOther) };
  const isDivided = left.targets.length > 0;
  await folder.forgetUsers(isDivided ? splitFingerprint(left) : undefined);
  if (isDivided) await writeUserSplit(folder.usersFile, left);
  else await remove(folder.usersFile);
}
