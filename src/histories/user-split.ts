/**
 * Who is evaluated and who is not: the users of a file divided once into targets, who get adapters of their own, and
 * others, on whose records a model may be adapted to the task. The division is a file that later commands share.
 */

import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { sha256, writeFileAtomic } from '../common/files.ts';
import { readOwnJson } from '../common/own-file.ts';
import { printable } from '../common/printable.ts';
import { random } from '../common/random.ts';
import { setting } from '../common/wording.ts';

const users = z.array(z.string().min(1));

const fileSchema = z.object({
  /** SHA-256 of the histories the division was made from. */
  data: z.string().optional(),
  seed: z.int().nonnegative().optional(),
  targets: users.min(1),
  /** Where it is left out, as a list written by hand may: everyone else. */
  others: users.optional(),
});

/** The file as it is read; `others` left out means everyone else in the data. */
export type UserSplitFile = z.infer<typeof fileSchema>;

/** Targets and others. Nobody is both; a user of the data may be neither. */
export interface TargetSplit {
  readonly data?: string;
  readonly seed?: number;
  readonly targets: readonly string[];
  readonly others: readonly string[];
}

/**
 * The `count` users with the most records, most active first; where equally active users compete for the last places,
 * the seed decides. Everyone else is one of the others. Depends on the records of each user in number alone, and not on
 * the order of the users.
 *
 * @param records how many records each user has
 * @throws IdiolectError CONFIG when nobody would be left to be one of the others
 */
export function drawUserSplit(records: ReadonlyMap<string, number>, count: number, seed: number): TargetSplit {
  if (!Number.isInteger(count) || count < 1 || count >= records.size) {
    throw new IdiolectError(
      'CONFIG',
      `${setting('targetUsers')} ${count}: the data has ${counted(records.size, 'user')} with records to train on, and at least one of them must ` +
        'stay outside the evaluation. Use a smaller number.',
    );
  }
  const drawn = random(seed, 'target users').shuffled([...records.keys()].sort());
  const ranked = drawn.toSorted((a, b) => records.get(b)! - records.get(a)!); // stable: ties stay as drawn
  const targets = ranked.slice(0, count);
  const isTarget = new Set(targets);
  return { seed, targets, others: [...records.keys()].filter(user => !isTarget.has(user)) };
}

/**
 * Reads a file `writeUserSplit` wrote, or one written by hand.
 *
 * @throws IdiolectError DATA when it is no such file, or names a user twice
 */
export async function readUserSplit(file: string): Promise<UserSplitFile> {
  const split = await readOwnJson(file, {
    schema: fileSchema,
    what: 'a list of target users, {"targets": [names], ...}',
    remedy: 'Correct it, or have users drawn by `targetUsers` N.',
    code: 'DATA',
  });
  if (!split) throw new IdiolectError('DATA', `${file} does not exist.`);
  const seen = new Set<string>();
  for (const user of [...split.targets, ...(split.others ?? [])]) {
    if (seen.has(user))
      throw new IdiolectError('DATA', `${file} names the user "${printable(user)}" twice. Remove one.`);
    seen.add(user);
  }
  return split;
}

export async function writeUserSplit(file: string, { data, seed, targets, others }: TargetSplit): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify({ data, seed, targets, others }, null, 2)}\n`);
}

/** Who is a target and who is one of the others, whatever the order: equal for equal divisions. */
export function splitFingerprint({ targets, others }: TargetSplit): string {
  return sha256(JSON.stringify([targets.toSorted(), others.toSorted()]));
}

/**
 * The division a setting asks for: a number draws it, a name is the file to read.
 *
 * @param records how many records each user of the data has, users in the order of the data
 * @param data the histories' file, and its SHA-256
 * @throws IdiolectError CONFIG or DATA where number or file does not fit the data
 */
export async function resolveUserSplit(
  setting: number | string,
  records: ReadonlyMap<string, number>,
  data: { readonly file: string; readonly fingerprint: string },
  seed: number,
): Promise<{ readonly split: TargetSplit; readonly notices: readonly string[] }> {
  if (typeof setting === 'number') {
    return { split: { data: data.fingerprint, ...drawUserSplit(records, setting, seed) }, notices: [] };
  }
  const read = await readUserSplit(setting);
  const missing = read.targets.find(user => !records.has(user));
  if (missing !== undefined) {
    throw new IdiolectError(
      'DATA',
      `${setting}: the target user "${missing}" has no records to train on in ${data.file}. ` +
        'Use the histories the list was made from.',
    );
  }
  const targets = new Set(read.targets);
  const others = read.others ?? [...records.keys()].filter(user => !targets.has(user));
  const known = new Set([...targets, ...others]);
  const strangers = [...records.keys()].filter(user => !known.has(user)).length;
  const notices: string[] = [];
  if (read.data !== undefined && read.data !== data.fingerprint) {
    notices.push(`${setting} was made from another file than ${data.file}; its users are taken by name`);
  }
  if (strangers > 0) notices.push(`users in neither list of ${setting} are left out: ${strangers}`);
  return { split: { data: read.data, seed: read.seed, targets: read.targets, others }, notices };
}
