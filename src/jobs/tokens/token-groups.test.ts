/** Groups and intervals against shifts that are known because they were put there. */
import { describe, expect, test } from 'vitest';
import { summarizeShifts, type TokenShifts } from './token-groups.ts';

/** Half of the tokens are rare, half are in every text; `run` pushes the latter down by 0.4 less. */
function planted(users: number, records: number, noise = 0): TokenShifts[] {
  return Array.from({ length: users * records }, (_, i) => {
    const shared = [0.1, 1, 0.1, 1];
    const common = noise * Math.sin(12.9898 * i);
    return {
      user: `user ${i % users}`,
      record: Math.floor(i / users) + 1,
      tokens: ['a', 'b', 'c', 'd', '</s>'],
      shared: [...shared, 1],
      reference: [-1, -1, -1, -1, -1],
      run: [...shared.map(share => common - (share === 1 ? 0.1 : 0.5)), 1000],
      against: [...shared.map(() => common - 0.5), -1000],
    };
  });
}

describe('groups of tokens', () => {
  test('tokens of one share are one group, the end token is in none', () => {
    const { groups, contrast } = summarizeShifts(planted(2, 3));
    expect(groups.map(({ from, to, tokens }) => ({ from, to, tokens }))).toEqual([
      { from: 0.1, to: 0.1, tokens: 12 },
      { from: 1, to: 1, tokens: 12 },
    ]);
    const means = groups.map(({ run, against, difference }) => [run.mean, against.mean, difference.mean]);
    // Sums of float64 decimals.
    [-0.5, -0.5, 0, -0.1, -0.5, 0.4].forEach((mean, i) => void expect(means.flat()[i]).toBeCloseTo(mean, 12));
    expect(contrast!.mean).toBeCloseTo(0.4, 12);
  });

  test('what both runs do to a text alike widens their intervals but not the difference’s', () => {
    const { groups, contrast } = summarizeShifts(planted(6, 4, 2));
    const width = ({ low, high }: { low: number; high: number }) => high - low;
    expect(width(groups[0]!.run)).toBeGreaterThan(0.1);
    expect(width(groups[1]!.difference)).toBeLessThan(1e-9);
    expect(width(contrast!)).toBeLessThan(1e-9);
  });

  test('users are the unit from five on, records below', () => {
    expect(summarizeShifts(planted(5, 2))).toMatchObject({ unit: 'user', units: 5 });
    expect(summarizeShifts(planted(4, 2))).toMatchObject({ unit: 'record', units: 8 });
  });

  test('tokens that are all as shared as each other are one group, and there is no contrast', () => {
    const texts = planted(1, 2).map(text => ({ ...text, shared: text.shared.map(() => 0.5) }));
    const { groups, contrast } = summarizeShifts(texts);
    expect(groups).toHaveLength(1);
    expect(contrast).toBeUndefined();
  });
});
