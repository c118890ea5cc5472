/** How unlike others a user writes, from embeddings, and the three groups an evaluation reports by. */

import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';

export const UNIQUENESS_GROUPS = ['unique', 'middle', 'non-unique'] as const;
export type UniquenessGroup = (typeof UNIQUENESS_GROUPS)[number];

export interface Uniqueness {
  readonly user: string;
  /** From -2 to 2; 0: the user's records are no more like each other than like other users'. */
  readonly score: number;
  readonly group: UniquenessGroup;
}

/** Differences of scores that rounding makes of embeddings in float32. */
const SAME = 1e-6;

/**
 * Scores each user and divides the users given into thirds, the most unique first; ties go by name. Where all users score
 * the same, none is more unique than another, and all are in the middle.
 *
 * The paper (Ma et al. 2026) reports by uniqueness without a formula; this one is our choice:
 *
 *     score(u) = mean cosine of two different records of u - mean cosine of a record of u and a record of another user
 *
 * of embeddings centred by the mean of the users' means, every other user weighing the same. Unlike distances of a
 * user's mean embedding, it does not grow for a user with few records, whose mean is noisier.
 *
 * @param embeddings each user's record embeddings, all of one width
 * @returns the users in the order they were given
 * @throws IdiolectError DATA for fewer than three users, or a user with fewer than two records
 */
export function uniqueness(embeddings: ReadonlyMap<string, readonly Float32Array[]>): Uniqueness[] {
  if (embeddings.size < 3) {
    throw new IdiolectError(
      'DATA',
      `uniqueness divides users into three groups; ${embeddings.size} were given. Give three or more.`,
    );
  }
  for (const [user, { length }] of embeddings) {
    if (length >= 2) continue;
    throw new IdiolectError(
      'DATA',
      `"${printable(user)}" has ${counted(length, 'record')}; uniqueness compares at least two of a user.`,
    );
  }
  const users = [...embeddings.keys()];
  const centre = meanOf([...embeddings.values()].map(meanOf));
  const records = [...embeddings.values()].map(vectors => vectors.map(vector => direction(vector, centre)));
  const means = records.map(meanOf);
  const overall = meanOf(means);
  const scores = records.map((own, u) => {
    const mean = means[u]!;
    const n = own.length;
    // |n mean|^2 sums the cosines of all pairs; those of a record with itself are taken out again.
    const itself = own.reduce((sum, record) => sum + dot(record, record), 0);
    const within = (n * n * dot(mean, mean) - itself) / (n * (n - 1));
    const between = (users.length * dot(mean, overall) - dot(mean, mean)) / (users.length - 1);
    return within - between;
  });
  if (Math.max(...scores) - Math.min(...scores) < SAME) {
    return users.map((user, u) => ({ user, score: scores[u]!, group: 'middle' }));
  }
  const ranked = users.map((_, u) => u).sort((a, b) => scores[b]! - scores[a]! || (users[a]! < users[b]! ? -1 : 1));
  return users.map((user, u) => {
    const third = Math.floor((UNIQUENESS_GROUPS.length * ranked.indexOf(u)) / users.length);
    return { user, score: scores[u]!, group: UNIQUENESS_GROUPS[third]! };
  });
}

function meanOf(vectors: readonly ArrayLike<number>[]): Float64Array {
  const mean = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += vector[i]! / vectors.length;
  return mean;
}

/** vector - centre, scaled to length 1; zero where the two are equal. */
function direction(vector: Float32Array, centre: Float64Array): Float64Array {
  const difference = centre.map((value, i) => vector[i]! - value);
  const length = Math.sqrt(dot(difference, difference));
  return length > 0 ? difference.map(value => value / length) : difference;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
