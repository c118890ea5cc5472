/** The auxiliary set of a user: a seeded sample of what other users wrote. */
import { IdiolectError } from '../common/errors.ts';
import { random } from '../common/random.ts';
import type { HistoryRecord } from './record.ts';

export interface AuxiliaryOptions {
  /** The target user, none of whose records is drawn. */
  user: string;
  /** How many records to draw. */
  count: number;
  seed: number;
}

/**
 * Draws `count` records of users other than the target, without replacement, in random order. Where the others have
 * fewer than `count`, all of theirs are returned, each once: repeating records would weigh some others more than the
 * method's mean over the auxiliary set says.
 *
 * The draw depends on the seed, the target and the pool in its order alone, never on which users came before; a larger
 * count begins with the records of a smaller one. "Other" goes by user id: another user's record that happens to have
 * the target's very words may be drawn, since such overlap is what the method's alpha estimates and corrects for.
 *
 * Give it training records only: the pool does not know which records are some other user's queries.
 *
 * @throws IdiolectError CONFIG for a count that is not a whole number; DATA where there is no other user's record.
 */
export function sampleAuxiliary(
  records: readonly HistoryRecord[],
  { user, count, seed }: AuxiliaryOptions,
): HistoryRecord[] {
  if (!Number.isInteger(count) || count < 0) {
    throw new IdiolectError('CONFIG', `the auxiliary count is ${count}; it must be a whole number, 0 or more.`);
  }
  const pool = records.filter(record => record.user !== user);
  if (pool.length === 0 && count > 0) {
    const why = 'the method compares a user with others, so the data needs records of at least two users';
    throw new IdiolectError('DATA', `there is no record of anyone but "${user}"; ${why}.`);
  }
  const source = random(seed, `auxiliary/${user}`);
  // The first steps of a Fisher-Yates shuffle; only the places that were swapped are remembered.
  const moved = new Map<number, number>();
  const drawn: HistoryRecord[] = [];
  for (let i = 0; i < Math.min(count, pool.length); i++) {
    const j = i + source.integer(pool.length - i);
    drawn.push(pool[moved.get(j) ?? j]!);
    moved.set(j, moved.get(i) ?? i);
  }
  return drawn;
}
