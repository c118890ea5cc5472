import { expect, it } from 'vitest';
import { didYouMean, nearest } from './nearest.ts';

const verbs = ['train', 'adapt', 'compare', 'import git', 'import table', 'score'];

it.each([
  ['tarin', 'train'],
  ['Train', 'train'],
  ['comapre', 'compare'],
  ['import tabel', 'import table'],
  ['scores', 'score'],
  ['publish', undefined],
  ['', undefined],
  ['x', undefined],
])('%j is nearest to %j', (name, meant) => {
  expect(nearest(name, verbs)).toBe(meant);
});

it('is worded as a question, or not at all', () => {
  expect(didYouMean('--alhpa', ['--alpha', '--beta'])).toBe(' Did you mean "--alpha"?');
  expect(didYouMean('--nothing-like-it', ['--alpha'])).toBe('');
});
