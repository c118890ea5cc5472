/**
 * Divides the users into those evaluated, those hyper-parameters are chosen on, and those the backbone is adapted on.
 * Nobody is in two groups.
 */

import { join } from 'node:path';
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import { makeFolder } from '../../common/files.ts';
import { random } from '../../common/random.ts';
import { setting } from '../../common/wording.ts';
import type { Dataset } from '../../histories/dataset.ts';
import { drawUserSplit, resolveUserSplit, type TargetSplit, writeUserSplit } from '../../histories/index.ts';
import type { MethodSettings } from './methods/settings.ts';

export interface Division {
  readonly targets: readonly string[];
  readonly development: readonly string[];
  readonly others: readonly string[];
  readonly notices: readonly string[];
}

/** A division into targets and others, and its file, which the verbs read through `targetUsers`. */
export interface WrittenSplit {
  readonly file: string;
  readonly split: TargetSplit;
}

/** Each group as a division of its own. */
export interface WrittenSplits {
  /** Keeps out the users of both groups below. */
  readonly adaptation: WrittenSplit;
  readonly development: WrittenSplit;
  readonly targets: WrittenSplit;
}

type DivisionSettings = Pick<MethodSettings, 'targetUsers' | 'developmentUsers' | 'skipAdaptation' | 'seed'>;

/**
 * Divides the users who have records to train on and queries to answer. Given a number, takes the most active users,
 * and draws the development users from them at random so that both groups are alike. Given a file, evaluates its
 * targets and takes the most active others as development users.
 *
 * @throws IdiolectError CONFIG where there are too few users, DATA where the file does not fit the data
 */
export async function divideUsers(dataset: Dataset, settings: DivisionSettings): Promise<Division> {
  const { targetUsers, developmentUsers, skipAdaptation, seed } = settings;
  const able = [...dataset.users].filter(([, { train, query }]) => train.length > 0 && query.length > 0);
  const counts = new Map(able.map(([user, { train, query }]) => [user, train.length + query.length]));
  if (typeof targetUsers === 'string') {
    const { split, notices } = await resolveUserSplit(targetUsers, counts, dataset, seed);
    const outside = new Map(split.others.flatMap(user => (counts.has(user) ? [[user, counts.get(user)!]] : [])));
    const { targets: development, others } = draw(outside, developmentUsers, '`developmentUsers` asks');
    return { targets: split.targets, development, others, notices };
  }
  if (targetUsers < 1) {
    throw new IdiolectError(
      'CONFIG',
      `${setting('targetUsers')} ${targetUsers}: nobody would be evaluated. Give 1 or more.`,
    );
  }
  const asked = '`targetUsers` and `developmentUsers` ask';
  const { targets: drawn, others } = draw(counts, targetUsers + developmentUsers, asked);
  const mixed = random(seed, 'development users').shuffled(drawn);
  const isDevelopment = new Set(mixed.slice(0, developmentUsers));
  return {
    targets: drawn.filter(user => !isDevelopment.has(user)),
    development: drawn.filter(user => isDevelopment.has(user)),
    others,
    notices: [],
  };

  function draw(records: ReadonlyMap<string, number>, count: number, asked: string) {
    if (count === 0) return { targets: [], others: [...records.keys()] };
    if (skipAdaptation && count === records.size) return { targets: [...records.keys()].sort(), others: [] };
    if (count < records.size) return drawUserSplit(records, count, seed);
    const spare = skipAdaptation ? '' : ', and at least one more to adapt the model to the task (or `skipAdaptation`)';
    const where = typeof targetUsers === 'string' ? `${dataset.file} outside ${targetUsers}'s targets` : dataset.file;
    throw new IdiolectError(
      'CONFIG',
      `${asked} for ${counted(count, 'user')} with records and queries${spare}; there are ${records.size} in ${where}. ` +
        'Use smaller numbers.',
    );
  }
}

/** Writes the three divisions into a folder. */
export async function writeDivisions(
  folder: string,
  { targets, development, others }: Division,
  { fingerprint: data }: Dataset,
  seed: number,
): Promise<WrittenSplits> {
  await makeFolder(folder);
  const write = async (name: string, users: Pick<TargetSplit, 'targets' | 'others'>): Promise<WrittenSplit> => {
    const file = join(folder, `${name}.json`);
    const split = { data, seed, ...users };
    await writeUserSplit(file, split);
    return { file, split };
  };
  return {
    adaptation: await write('adaptation', { targets: [...targets, ...development], others }),
    development: await write('development', { targets: development, others }),
    targets: await write('targets', { targets, others }),
  };
}
