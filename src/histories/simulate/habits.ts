/** The shared way of writing, and habits of one's own that no other set of habits can be taken for. */
import { IdiolectError } from '../../common/errors.ts';
import { type Random, random } from '../../common/random.ts';
import { oneOf } from './kind.ts';
import { DIMENSIONS, type Dimension, type Values, type Way } from './writing.ts';

/** The shared way varies in these; in the others it has one value, `sharedWay`'s. */
const FREE: readonly Dimension[] = ['build', 'words'];
const SHARED_BUILDS = ['bare', 'place', 'reason', 'place and reason'];

/** The fixed part of the shared way: a plain sentence in the first tense, without head, mark or emoji. */
export function sharedValues({ tense }: Values): Readonly<Partial<Way>> {
  return { case: 'sentence', tense: tense[0]!, head: 'none', end: 'none', emoji: 'none', mark: 'none', article: 'the' };
}

/** One draw from the shared way: its builds and words are each as likely as the next. */
export function drawSharedWay(values: Values, source: Random): Way {
  const { case: letters, tense, head, end, emoji, mark, article } = sharedValues(values) as Way;
  const build = oneOf(SHARED_BUILDS, source);
  return { case: letters, tense, head, end, emoji, mark, build, words: oneOf(values.words, source), article };
}

/** Draws before giving up: where so many fail, nearly all habits that are far enough from the others are taken. */
const TRIES = 2_000;

/**
 * Hands out sets of habits, one after another. Each differs from every earlier one, and from all of the shared way, in
 * at least two dimensions, each of which shows in the line; so no line can come from two of them. The k-th set depends
 * on the seed and k alone. Sets at distance two leave room for thousands.
 */
export class HabitBook {
  readonly #values: Values;
  readonly #label: string;
  readonly #seed: number;
  readonly #sets: Way[] = [];
  /** Every set with each of its dimensions left open in turn: two sets share an entry when at most one dimension differs. */
  readonly #taken = new Set<string>();

  constructor(values: Values, label: string, seed: number) {
    this.#values = values;
    this.#label = label;
    this.#seed = seed;
  }

  /** @throws IdiolectError CONFIG when no more habits are to be had */
  habits(index: number): Way {
    while (this.#sets.length <= index) this.#sets.push(this.#next(this.#sets.length));
    return this.#sets[index]!;
  }

  #next(index: number): Way {
    const source = random(this.#seed, `${this.#label}/habits/${index}`);
    for (let tries = 0; tries < TRIES; tries++) {
      const way = Object.fromEntries(
        DIMENSIONS.map(dimension => [dimension, oneOf(this.#values[dimension], source)]),
      ) as Way;
      const open = DIMENSIONS.map(dimension => JSON.stringify({ ...way, [dimension]: null }));
      if (open.some(entry => this.#taken.has(entry)) || distanceToShared(way, this.#values) < 2) continue;
      for (const entry of open) this.#taken.add(entry);
      return way;
    }
    throw new IdiolectError(
      'CONFIG',
      `only ${index} sets of habits can be told apart; use fewer users, or let more of them share habits (circle).`,
    );
  }
}

function distanceToShared(way: Way, values: Values): number {
  const shared = sharedValues(values);
  return DIMENSIONS.filter(dimension => !FREE.includes(dimension) && shared[dimension] !== way[dimension]).length;
}
