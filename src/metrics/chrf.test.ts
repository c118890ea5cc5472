import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { corpusChrf, sentenceChrf } from './chrf.ts';

const english = readGzipJson<[string, string][]>('text_pairs.json.gz');
const recorded = readGzipJson<{
  sentences: number[];
  sentences_words: number[];
  pairs: [string, string, number, number][];
  corpora: [first: number, count: number, wordOrder: number, score: number][];
}>('chrf.json.gz');
const pairs: [string, string][] = [
  ...english,
  ...recorded.pairs.map(([prediction, reference]): [string, string] => [prediction, reference]),
];

// Recorded to 9 decimals of a score up to 100.
const TOLERANCE = 2e-9;

describe('chrF', () => {
  it.each([
    ['chrF', 0, [...recorded.sentences, ...recorded.pairs.map(([, , score]) => score)]],
    ['chrF++', 2, [...recorded.sentences_words, ...recorded.pairs.map(([, , , score]) => score)]],
  ])('%s of single texts equals sacrebleu on 1,400 pairs, 400 of them in other scripts', (_, wordOrder, scores) => {
    expect(scores).toHaveLength(1400);
    pairs.forEach(([prediction, reference], i) => {
      const found = sentenceChrf(prediction, reference, { wordOrder });
      expect(Math.abs(found - scores[i]!), `pair ${i}: ${prediction}`).toBeLessThan(TOLERANCE);
    });
  });

  it.each(recorded.corpora)(
    'of a corpus equals sacrebleu: from pair %i on, %i pairs, word order %i',
    (first, count, wordOrder, score) => {
      const corpus = pairs.slice(first, first + count);
      const [predictions, references] = [corpus.map(([one]) => one), corpus.map(([, one]) => one)];
      expect(Math.abs(corpusChrf(predictions, references, { wordOrder }) - score)).toBeLessThan(TOLERANCE);
    },
  );

  it('refuses predictions without references', () => {
    expect(() => corpusChrf(['a'], [])).toThrow('found 1 predictions and 0 references');
    expect(() => corpusChrf([], [])).toThrow('found 0 predictions and 0');
  });
});
