/** The true overlaps against likelihood ratios computed without the formulas. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../common/random.ts';
import { COMMITS } from './commits.ts';
import type { Habits } from './habits.ts';
import type { Content } from './kind.ts';
import { Population, type SimulatedUser, simulateSchema } from './simulate.ts';
import { trueOverlaps } from './truth.ts';
import type { Way } from './writing.ts';

const source = random(0, 'tickets');
/** The line without the number of its ticket, which nothing depends on. */
const withoutNumber = (line: string) => line.replace(/\d+/, '0');

/** P(line | content, user), by writing the content in every way the user has and comparing the lines. */
function likelihood(line: string, content: Content, { shared, habits }: SimulatedUser, plain: Habits): number {
  let [inShared, inHabits] = [0, 0];
  for (const build of ['bare', 'place', 'reason', 'place and reason']) {
    for (const words of COMMITS.values.words) {
      const writes = (own: Habits) => {
        const written = COMMITS.write(content, { ...plain, build, words, ...own } as Way, source);
        return Number(withoutNumber(written) === withoutNumber(line)) / 12;
      };
      inShared += writes({});
      inHabits += writes(habits);
    }
  }
  return shared * inShared + (1 - shared) * inHabits;
}

describe('the true overlaps', () => {
  it.each([
    { overlap: '0.1,0.3,0.6', circle: 1 },
    { overlap: '0', circle: 3 },
    { overlap: '0.2,0.7', circle: 4 },
    { overlap: '1,0.4,0', circle: 2 },
    { overlap: '0.5', circle: 8 },
    { overlap: '0.3', circle: 2, habits: 2 },
  ])('are what likelihood ratios of drawn records say: %j', values => {
    const population = new Population(simulateSchema.parse({ ...values, users: 8, records: 150 }));
    const { users, sharedHabits } = population;
    for (const user of users.slice(0, 3)) {
      const others = users.filter(other => other !== user);
      // Records of U: the share of them that the user could have written, by a likelihood above 0.
      const auxiliary = others.flatMap(other => [...population.records(other)].slice(0, 60));
      const possible = auxiliary.filter(
        ({ record, content }) => likelihood(record.output, content, user, sharedHabits) > 0,
      ).length;
      // 420 draws: one deviation is at most 0.025, four are 0.1.
      expect(Math.abs(possible / auxiliary.length - user.alpha)).toBeLessThan(0.1);
      // Records of P: the least U / P. Each way a user has comes often among 150, and the ratio is constant on a way, so
      // the least one drawn is the least there is, up to the rounding of sums.
      const ratios = [...population.records(user)].map(({ record, content }) => {
        const under = (writer: SimulatedUser) => likelihood(record.output, content, writer, sharedHabits);
        return others.reduce((sum, other) => sum + under(other), 0) / others.length / under(user);
      });
      expect(Math.min(...ratios)).toBeCloseTo(user.mixtureProportion, 9);
    }
  });

  it('agree for who writes in one way alone, and are else in order', () => {
    const member = fc.record({
      shared: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0.01, max: 0.99, noNaN: true })),
      circle: fc.nat(3),
    });
    fc.assert(
      fc.property(fc.array(member, { minLength: 2, maxLength: 12 }), members => {
        trueOverlaps(members).forEach(({ alpha, mixtureProportion }, i) => {
          expect(mixtureProportion).toBeGreaterThanOrEqual(0);
          expect(alpha).toBeLessThanOrEqual(1 + 1e-12);
          expect(mixtureProportion).toBeLessThanOrEqual(alpha + 1e-12);
          if (members[i]!.shared === 0 || members[i]!.shared === 1) expect(mixtureProportion).toBe(alpha);
        });
      }),
      { seed: 1 },
    );
  });

  it('come out by hand', () => {
    // Three users of shares .5, 1 and 0; the first and the third have the same habits.
    const [first, second, third] = trueOverlaps([
      { shared: 0.5, circle: 0 },
      { shared: 1, circle: 1 },
      { shared: 0, circle: 0 },
    ]);
    // The other two write half in the shared way, half in the first user's habits: all of it could be the first's.
    expect(first).toEqual({ alpha: 1, mixtureProportion: 1 });
    expect(second).toEqual({ alpha: 0.25, mixtureProportion: 0.25 });
    expect(third).toEqual({ alpha: 0.25, mixtureProportion: 0.25 });
  });
});
