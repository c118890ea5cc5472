/** What the terminal says of a comparison, from its numbers. */
import { describe, expect, it } from 'vitest';
import { sampleReport } from '../../tests/support/report-sample.ts';
import { resultRows, standing } from './result-table.ts';

describe('the anchor against the others, in words', () => {
  const { results } = sampleReport({ methods: ['base', 'cbpo'] });
  const [first] = results.comparisons.filter(({ metric }) => metric === 'rougeL');
  const said = (change: object, users = results.users) =>
    standing({ ...results, users, comparisons: [{ ...first!, ...change }] }).split('\n')[1]!;

  it.each([
    [
      'three users up and three down by chance',
      { mean: 0.02, low: 0.01, high: 0.03, adjustedP: 1 },
      'no clear difference',
    ],
    ['just not', { mean: 0.02, low: 0.01, high: 0.03, adjustedP: 0.051 }, 'no clear difference'],
    ['just so', { mean: 0.02, low: 0.01, high: 0.03, adjustedP: 0.05 }, 'better'],
    ['below', { mean: -0.02, low: -0.03, high: -0.01, adjustedP: 0.01 }, 'worse'],
    ['an interval around 0', { mean: 0.02, low: -0.01, high: 0.05, adjustedP: 0.04 }, 'no clear difference'],
  ])('%s', (_, change, words) => {
    expect(said(change)).toMatch(new RegExp(`\\], ${words}; p`));
  });

  it('counts users first', () => {
    expect(said({ adjustedP: 0.01 }, results.users.slice(0, 5))).toContain('too few users to tell');
  });
});

it('marks the title of a method whose values need a remark', () => {
  const { results } = sampleReport({ methods: ['rag', 'cbpo'] });
  const methods = results.methods.map(method => (method.name === 'rag' ? { ...method, remark: 'r' } : method));
  expect(resultRows({ ...results, methods }).map(([title]) => title)).toEqual(['', 'RAG (1)', 'C-BPO']);
});
