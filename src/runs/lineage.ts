/**
 * What each adapter of a run was trained on. It tells a later run whose records have changed, and `forget` which
 * adapters saw a user's texts. There is one file per user, readable only by its owner, since it names other users.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, PRIVATE, sha256, writeFileAtomic } from '../common/files.ts';
import { readKeptJson, readOwnJson } from '../common/own-file.ts';
import type { Dataset } from '../histories/dataset.ts';
import type { RejectedTexts } from '../histories/rejected.ts';
import type { RunFolder } from './run-folder.ts';

/** The user's own data that an adapter depends on. Others' texts are not part of it: new ones change no adapter. */
const inputsSchema = z.object({
  /** Fingerprint of the user's records, held-out ones included. */
  own: z.string(),
  /** Fingerprint of the texts they were chosen over, where training uses pairs. */
  rejected: z.string().optional(),
  /** Fingerprint of the adapter that training started from, where there is one. */
  start: z.string().optional(),
});

const lineageSchema = z.object({
  user: z.string(),
  /** Null while the adapter is being replaced, since after a kill it could be the old one or the new one. */
  inputs: inputsSchema.nullable(),
  /** Users whose texts the adapter was trained against. */
  seen: z.array(z.string()).readonly(),
  /** How many more there were; they have since been removed from the run, and so are not named. */
  forgotten: z.int().positive().optional(),
  /** Present once removal of the user has begun: whose adapters were trained against the user's texts. */
  seenBy: z.array(z.string()).readonly().optional(),
});

export type Inputs = z.infer<typeof inputsSchema>;
export type Lineage = z.infer<typeof lineageSchema>;

/** @param start fingerprint of the adapter that the user's adapter starts from */
export function inputsOf({ users }: Dataset, user: string, rejected?: RejectedTexts, start?: string): Inputs {
  const { fingerprint, train } = users.get(user)!;
  return {
    own: fingerprint,
    ...(rejected && { rejected: sha256(JSON.stringify(train.map(record => rejected.of(record) ?? null))) }),
    ...(start !== undefined && { start }),
  };
}

export function sameInputs(a: Inputs, b: Inputs): boolean {
  return a.own === b.own && a.rejected === b.rejected && a.start === b.start;
}

/**
 * Lineages by user. A user without a file has no adapter, or one made by a version that did not keep lineage.
 *
 * @throws IdiolectError CONFIG naming a damaged file
 */
export async function readLineages(folder: RunFolder): Promise<Map<string, Lineage>> {
  const lineages = new Map<string, Lineage>();
  for (const file of await lineageFiles(folder)) {
    const lineage = await readLineageFile(file);
    if (lineage) lineages.set(lineage.user, lineage);
  }
  return lineages;
}

/** The users who have a lineage; damaged files are skipped, as only the names are needed. */
export async function usersWithLineage(folder: RunFolder): Promise<string[]> {
  const lineages = (await lineageFiles(folder)).map(file => readKeptJson(file, lineageSchema).catch(() => undefined));
  return (await Promise.all(lineages)).flatMap(lineage => (lineage ? [lineage.user] : []));
}

/**
 * Null where there is none.
 *
 * @throws IdiolectError CONFIG where it is damaged
 */
export async function readLineage(folder: RunFolder, user: string): Promise<Lineage | null> {
  return (await readLineageFile(folder.lineageOf(user))) ?? null;
}

/** Leaves out files of other programs, and half-written ones that a kill left, whose names begin with a dot. */
async function lineageFiles(folder: RunFolder): Promise<string[]> {
  const names = await readdir(folder.lineage).catch(() => []);
  return names.filter(name => /^[^.].*\.json$/.test(name)).map(name => join(folder.lineage, name));
}

async function readLineageFile(file: string): Promise<Lineage | undefined> {
  return readOwnJson(file, {
    schema: lineageSchema,
    remedy: 'Remove it together with the adapter of that name, and the same train command makes both again.',
  });
}

export async function writeLineage(folder: RunFolder, lineage: Lineage): Promise<void> {
  await makeFolder(folder.lineage);
  await writeFileAtomic(folder.lineageOf(lineage.user), `${JSON.stringify(lineage, null, 2)}\n`, PRIVATE);
}
