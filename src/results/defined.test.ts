/** Every measure is a number or a sentence: a table never shows NaN, and JSON never holds null in its place. */
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { attribute, trainAttributor } from '../metrics/attribution.ts';
import { corpusBleu, sentenceBleu } from '../metrics/bleu.ts';
import { corpusChrf, sentenceChrf } from '../metrics/chrf.ts';
import { accuracy, macroF1 } from '../metrics/classification.ts';
import { meteor } from '../metrics/meteor.ts';
import { meanAbsoluteError, rootMeanSquaredError } from '../metrics/regression.ts';
import { rouge } from '../metrics/rouge.ts';
import { compareStyle, styleDistance } from '../metrics/style-distance.ts';
import { uniqueness } from '../overlap/uniqueness.ts';
import { holm, pairedDifference, winRate } from '../statistics/comparisons.ts';
import { bootstrapMean } from '../statistics/intervals.ts';
import type { Answer, MethodAnswers } from './answer.ts';
import { measureResults } from './measure.ts';
import { resultsMarkdown } from './results-markdown.ts';

const source = () => random(1, 'defined');

describe('of nothing', () => {
  it.each<[string, () => unknown]>([
    ['bootstrapMean', () => bootstrapMean([], source())],
    ['pairedDifference', () => pairedDifference([], [], source())],
    ['winRate', () => winRate([])],
    ['corpusBleu', () => corpusBleu([], [])],
    ['corpusChrf', () => corpusChrf([], [])],
    ['accuracy', () => accuracy([], [])],
    ['macroF1', () => macroF1([], [])],
    ['meanAbsoluteError', () => meanAbsoluteError([], [])],
    ['rootMeanSquaredError', () => rootMeanSquaredError([], [])],
    ['styleDistance', () => styleDistance([], [])],
    ['compareStyle', () => compareStyle([], [], source())],
    ['trainAttributor', () => trainAttributor(new Map())],
    [
      'attribute',
      () =>
        attribute(
          trainAttributor(
            new Map([
              ['a', ['x']],
              ['b', ['y']],
            ]),
          ),
          [],
        ),
    ],
    ['uniqueness', () => uniqueness(new Map())],
  ])('%s says what it needs', (_, measure) => {
    expect(measure).toThrow(/needs|compares|divides/);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('a mean of %f is refused', value => {
    expect(() => bootstrapMean([1, value], source())).toThrow(`found ${value}`);
  });

  it('holm of no comparison is none', () => {
    expect(holm([])).toEqual([]);
  });
});

describe('of empty and of equal texts', () => {
  it.each([
    ['', '', 0],
    ['', 'a', 0],
    ['a', '', 0],
    ['...', '...', 0],
  ])('%j against %j scores 0 by words', (prediction, reference, expected) => {
    const { rouge1, rouge2, rougeL } = rouge(prediction, reference);
    expect([rouge1, rouge2, rougeL].map(({ f1 }) => f1)).toEqual([expected, expected, expected]);
    expect(meteor([], reference.split(' '))).toBe(0);
    expect(sentenceBleu(prediction.replace('...', ''), reference)).toBe(0);
    expect(sentenceChrf(prediction.replace('...', ''), reference)).toBe(0);
  });

  it('users who all score the same: no difference, p 1, ties', () => {
    expect(pairedDifference([0.5, 0.5], [0.5, 0.5], source())).toEqual({ mean: 0, low: 0, high: 0, p: 1 });
    expect(winRate([0, 0])).toMatchObject({ wins: 0, losses: 0, ties: 2, rate: 0.5 });
  });
});

describe('a whole comparison', () => {
  const answer = (text: string, i: number): Answer => ({
    ...{ key: `k${i}`, input: 'i', reference: text, text },
    ...{ logProb: -1, tokens: 1 },
  });
  const method = (name: string, users: readonly string[], text: string): MethodAnswers => ({
    ...{ name, title: name, description: '' },
    users: new Map(users.map(user => [user, [answer(text, 0), answer(text, 1)]])),
  });

  it.each([
    ['empty texts', ['a', 'b'], '', ['rouge1', 'rougeL', 'chrf', 'meteor']],
    ['equal texts', ['a', 'b', 'c'], 'the same', ['rouge1', 'rougeL', 'chrf', 'meteor']],
    ['one user', ['a'], 'the same', ['rouge1', 'chrf']],
    ['one label', ['a', 'b'], 'x', ['accuracy', 'macroF1']],
    ['equal ratings', ['a', 'b'], '3', ['mae', 'rmse']],
  ] as const)('of %s has a number everywhere', (_, users, text, metrics) => {
    const methods = [method('base', users, text), method('cbpo', users, text)];
    const histories = new Map(users.map(user => [user, [text, text, text]]));
    const results = measureResults({ methods, anchor: 'cbpo', histories, groups: new Map(), metrics, seed: 1 });
    expect(JSON.stringify(results)).not.toContain('null');
    expect(resultsMarkdown(results, { title: 't', notes: [] })).not.toMatch(/NaN|undefined|Infinity|\*\*0/);
  });
});
