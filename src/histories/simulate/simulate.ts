/** A population of simulated users: who writes how, what each has written, and what is true of them. */

import { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { random } from '../../common/random.ts';
import { setting } from '../../common/wording.ts';
import type { HistoryRecord } from '../record.ts';
import { COMMITS } from './commits.ts';
import { drawWay, HabitBook, type Habits, sharedHabits } from './habits.ts';
import { HEADLINES } from './headlines.ts';
import type { Content, Kind } from './kind.ts';
import { type TrueOverlap, trueOverlaps } from './truth.ts';
import { DIMENSIONS } from './writing.ts';

const KINDS = { commits: COMMITS, headlines: HEADLINES } satisfies Record<string, Kind>;

const SHARE = '(?:0?\\.\\d+|0|1|[01]\\.0*)';
const SHARES = new RegExp(`^${SHARE}(?:,${SHARE})*$`);
const RANGE = new RegExp(`^(${SHARE})\\.\\.(${SHARE})$`);

export const simulateSchema = z.object({
  kind: z.enum(['commits', 'headlines']).default('commits').describe('what the users write'),
  users: z.int().min(2).default(10).describe('how many users'),
  records: z.int().min(1).max(10_000).default(60).describe('records of each user'),
  overlap: z
    .string()
    .refine(text => SHARES.test(text) || RANGE.test(text), 'expected shares from 0 to 1, as 0.1,0.3 or 0.1..0.6.')
    .default('0.1,0.3,0.6')
    .describe(
      'share of each user’s records in the shared way of writing: a list, user after user and over again, or LOW..HIGH',
    ),
  circle: z.int().min(1).default(1).describe('users who have the same habits'),
  habits: z
    .int()
    .min(1)
    .max(DIMENSIONS.length)
    .default(6)
    .describe(`dimensions, of ${DIMENSIONS.length}, in which a user has habits; the fewer, the harder to tell apart`),
  seed: z.int().default(0).describe('seed of everything drawn'),
});

export type SimulateSettings = z.infer<typeof simulateSchema>;

export interface SimulatedUser extends TrueOverlap {
  readonly user: string;
  /** Share of the user's records in the shared way: what they are drawn with, not how many it came to. */
  readonly shared: number;
  /** Users of one circle have the same habits. */
  readonly circle: number;
  /** In words. */
  readonly habits: Habits;
}

export interface SimulatedRecord {
  readonly record: HistoryRecord;
  /** Whether it is in the shared way of writing, or in the user's own. */
  readonly isShared: boolean;
  /** What was said, whoever said it and however. */
  readonly content: Content;
}

/**
 * Simulated users. User k, called u1, u2, ..., is the same whatever the number of users; the true overlaps are of all.
 */
export class Population {
  readonly settings: SimulateSettings;
  readonly users: readonly SimulatedUser[];
  readonly #kind: Kind;
  readonly #label: string;

  /** @throws IdiolectError CONFIG when there are more users than habits that can be distinguished */
  constructor(settings: SimulateSettings) {
    this.settings = settings;
    this.#kind = KINDS[settings.kind];
    this.#label = `simulate/${settings.kind}`;
    const book = new HabitBook(this.#kind.values, settings.habits, settings.seed, this.#label);
    const members = Array.from({ length: settings.users }, (_, k) => ({
      user: `u${k + 1}`,
      shared: this.#shareOf(k),
      circle: Math.floor(k / settings.circle),
    }));
    const overlaps = trueOverlaps(members);
    this.users = members.map((member, k) => ({ ...member, ...overlaps[k]!, habits: book.habits(member.circle) }));
  }

  /** What the shared way of writing keeps to, in words. */
  get sharedHabits(): Habits {
    return sharedHabits(this.#kind.values);
  }

  /**
   * A user's records in time order. Contents are drawn from a stream of their own, so that they tell nothing of the
   * way they are written in, and none comes twice for a user: held-out records are new ones.
   */
  *records({ user, shared, habits }: SimulatedUser): Generator<SimulatedRecord> {
    const { seed, records } = this.settings;
    const stream = (name: string) => random(seed, `${this.#label}/${name}/${user}`);
    const [contents, ways, times] = [stream('content'), stream('writing'), stream('time')];
    const seen = new Set<string>();
    let minutes = 0;
    for (let i = 1; i <= records; i++) {
      let content = this.#kind.drawContent(contents);
      while (seen.has(content.key)) content = this.#kind.drawContent(contents);
      seen.add(content.key);
      const isShared = ways.uniform() < shared;
      const way = drawWay(this.#kind.values, isShared ? {} : habits, ways);
      const output = this.#kind.write(content, way, ways);
      minutes += 1 + times.integer(2 * 24 * 60);
      const time = new Date(Date.UTC(2020, 0, 1) + minutes * 60_000).toISOString();
      yield { record: { user, input: content.input, output, id: String(i), time }, isShared, content };
    }
  }

  #shareOf(k: number): number {
    const { overlap, seed } = this.settings;
    const range = RANGE.exec(overlap);
    if (!range) {
      const shares = overlap.split(',').map(Number);
      return shares[k % shares.length]!;
    }
    const [low, high] = [Number(range[1]), Number(range[2])];
    if (low > high) throw new IdiolectError('CONFIG', `${setting('overlap')} ${overlap}: the lower end comes first.`);
    return low + (high - low) * random(seed, `${this.#label}/share/${k}`).uniform();
  }
}
