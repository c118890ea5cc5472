import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { attribute, trainAttributor } from './attribution.ts';

interface Recorded {
  histories: Record<string, string[]>;
  asked: { text: string; scores: number[] }[];
}
const file = new URL('../../tests/fixtures/attribution.json', import.meta.url);
const { histories, asked }: Recorded = JSON.parse(await readFile(file, 'utf8'));
const attributor = trainAttributor(new Map(Object.entries(histories)));

describe('attribution', () => {
  it.each(asked)('scores $text as scikit-learn’s naive Bayes does', ({ text, scores }) => {
    const found = attributor.logLikelihoods(text);
    scores.forEach((score, u) => {
      expect(found[u]! - found[0]!).toBeCloseTo(score, 9); // sums of up to a hundred logarithms, in another order
    });
  });

  it('ranks the right user and says what guessing would reach', () => {
    const found = attribute(attributor, [
      { user: 'ada', text: 'Fix the docs.' },
      { user: 'ben', text: '[api] bump 3' },
      { user: 'ada', text: '[docs] bump 3' },
    ]);
    expect(found.ranks.slice(0, 2)).toEqual([1, 1]);
    expect(found.ranks[2]).toBeGreaterThan(1);
    expect(found.top1).toBeCloseTo(2 / 3, 15);
    expect(found.meanReciprocalRank).toBeCloseTo((2 + 1 / found.ranks[2]!) / 3, 15);
    expect(found.chance.top1).toBeCloseTo(1 / 3, 15);
    expect(found.chance.meanReciprocalRank).toBeCloseTo((1 + 1 / 2 + 1 / 3) / 3, 15);
  });

  it('counts a tie against the text', () => {
    const twins = trainAttributor(
      new Map([
        ['one', ['same']],
        ['two', ['same']],
      ]),
    );
    expect(attribute(twins, [{ user: 'one', text: 'same' }])).toMatchObject({ ranks: [2], top1: 0 });
  });

  it('refuses what cannot be distinguished', () => {
    expect(() => trainAttributor(new Map([['one', ['a']]]))).toThrow('found 1');
    expect(() =>
      trainAttributor(
        new Map([
          ['one', ['a']],
          ['two', []],
        ]),
      ),
    ).toThrow('of whom 1 have none');
    expect(() => attribute(attributor, [])).toThrow('found none');
    expect(() => attribute(attributor, [{ user: 'dee', text: 'a' }])).toThrow('by "dee", whose own texts');
  });
});
