/** The shared way of writing, and habits of your own that no other set of habits can be taken for. */

import { IdiolectError } from '../../common/errors.ts';
import { type Random, random } from '../../common/random.ts';
import { setting } from '../../common/wording.ts';
import { oneOf } from './kind.ts';
import { DIMENSIONS, type Dimension, type Values, type Way } from './writing.ts';

/** A person's own part of a way of writing. Where it says nothing, the person writes as everybody does. */
export type Habits = Readonly<Partial<Way>>;

/** Where the shared way has one value, the first. Each of them shows in every line, so that any other value tells. */
const SETTLED: readonly Dimension[] = ['case', 'tense', 'head', 'end', 'emoji', 'mark', 'article'];
/** Among these it varies, as it does among all `words`. */
const SHARED_BUILDS = ['bare', 'place', 'reason', 'place and reason'];

/** What the shared way of writing keeps to. */
export function sharedHabits(values: Values): Habits {
  return Object.fromEntries(SETTLED.map(dimension => [dimension, values[dimension][0]!]));
}

/** One draw from a person's way of writing; without habits, from the shared way. */
export function drawWay(values: Values, habits: Habits, source: Random): Way {
  const varying = { build: oneOf(SHARED_BUILDS, source), words: oneOf(values.words, source) };
  return { ...sharedHabits(values), ...varying, ...habits } as Way;
}

/** Draws before giving up: where so many fail, nearly all habits that can be distinguished from the others' are taken. */
const TRIES = 1_000;

/**
 * Hands out sets of habits, one after another, each in the same number of dimensions newly drawn. Each departs from the
 * shared way, and from every earlier set, in at least one dimension that shows in every line; so no line can come from
 * two of them. The k-th set depends on the seed and k alone.
 */
export class HabitBook {
  readonly #values: Values;
  readonly #dimensions: number;
  readonly #seed: number;
  readonly #label: string;
  readonly #sets: Habits[] = [];
  readonly #taken: Set<string>;

  constructor(values: Values, dimensions: number, seed: number, label: string) {
    this.#values = values;
    this.#dimensions = dimensions;
    this.#seed = seed;
    this.#label = label;
    this.#taken = new Set([this.#shownBy({})]);
  }

  /** @throws IdiolectError CONFIG when no more habits are to be had */
  habits(index: number): Habits {
    while (this.#sets.length <= index) this.#sets.push(this.#next(this.#sets.length));
    return this.#sets[index]!;
  }

  #next(index: number): Habits {
    const source = random(this.#seed, `${this.#label}/habits/${index}`);
    for (let tries = 0; tries < TRIES; tries++) {
      const chosen = source.shuffled(DIMENSIONS).slice(0, this.#dimensions);
      const habits = Object.fromEntries(
        DIMENSIONS.filter(dimension => chosen.includes(dimension)).map(dimension => {
          const values = this.#values[dimension];
          return [dimension, oneOf(SETTLED.includes(dimension) ? values.slice(1) : values, source)];
        }),
      );
      const shown = this.#shownBy(habits);
      if (this.#taken.has(shown)) continue;
      this.#taken.add(shown);
      return habits;
    }
    throw new IdiolectError(
      'CONFIG',
      `only ${index} sets of habits can be distinguished; ask for fewer users, other ${setting('habits')}, or a larger ${setting('circle')}.`,
    );
  }

  #shownBy(habits: Habits): string {
    const way = { ...sharedHabits(this.#values), ...habits };
    return SETTLED.map(dimension => way[dimension]).join('|');
  }
}
