/**
 * What each adapter of a run was trained on: by it a later run knows whose records have changed, and `forget` knows which
 * adapters saw a user's texts. One file a user, for its owner alone, since it names other users.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists, isStaging, makeFolder, PRIVATE, sha256, writeFileAtomic } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
import type { Dataset } from './dataset.ts';
import type { RejectedTexts } from './rejected.ts';
import type { RunFolder } from './run-folder.ts';

/** What an adapter depends on that is the user's own. What others wrote is not: their new texts change no adapter. */
const inputsSchema = z.object({
  /** Fingerprint of the user's records, held-out ones included. */
  own: z.string(),
  /** Of the texts they were chosen over, where pairs are trained on. */
  rejected: z.string().optional(),
  /** Of the adapter that training started from, where there is one. */
  start: z.string().optional(),
});

const lineageSchema = z.object({
  user: z.string(),
  /** Null while the adapter is being replaced: which of the two is there cannot be told after a kill. */
  inputs: inputsSchema.nullable(),
  /** Users whose texts the adapter was trained against. */
  seen: z.array(z.string()).readonly(),
  /** How many more there were who have been taken out of the run since, and are not named for that reason. */
  forgotten: z.int().positive().optional(),
  /** Where taking the user out has begun: whose adapters were trained against the user's texts. */
  seenBy: z.array(z.string()).readonly().optional(),
});

export type Inputs = z.infer<typeof inputsSchema>;
export type Lineage = z.infer<typeof lineageSchema>;

/** @param start fingerprint of the adapter that the user's starts from */
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

/** By user; a user without a file has no adapter, or one of a version that did not keep lineage. */
export async function readLineages(folder: RunFolder): Promise<Map<string, Lineage>> {
  const lineages = new Map<string, Lineage>();
  for (const name of await readdir(folder.lineage).catch(() => [])) {
    if (isStaging(name)) continue;
    const lineage = await readLineageFile(join(folder.lineage, name));
    lineages.set(lineage.user, lineage);
  }
  return lineages;
}

/** Null where there is none. */
export async function readLineage(folder: RunFolder, user: string): Promise<Lineage | null> {
  const file = folder.lineageOf(user);
  return (await exists(file)) ? readLineageFile(file) : null;
}

async function readLineageFile(file: string): Promise<Lineage> {
  const parsed = lineageSchema.safeParse(await readInputJson(file, { code: 'CONFIG' }).catch(() => null));
  if (parsed.success) return parsed.data;
  throw new IdiolectError(
    'CONFIG',
    `${file} is damaged. Remove it together with the adapter of that name, and the same train command makes both again.`,
  );
}

export async function writeLineage(folder: RunFolder, lineage: Lineage): Promise<void> {
  await makeFolder(folder.lineage);
  await writeFileAtomic(folder.lineageOf(lineage.user), `${JSON.stringify(lineage, null, 2)}\n`, PRIVATE);
}
