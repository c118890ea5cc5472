import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { corpusBleu, sentenceBleu } from './bleu.ts';

const pairs = readGzipJson<[string, string][]>('text_pairs.json.gz');
const recorded = readGzipJson<{ sentences: number[]; corpora: [number, number, number][] }>('bleu.json.gz');

// Recorded to 9 decimals of a score up to 100; logarithms are summed in another order there.
const TOLERANCE = 2e-9;

describe('BLEU', () => {
  it('of single texts equals sacrebleu on 1,000 pairs', () => {
    expect(recorded.sentences).toHaveLength(1000);
    pairs.forEach(([prediction, reference], i) => {
      const found = sentenceBleu(prediction, reference);
      expect(Math.abs(found - recorded.sentences[i]!), `pair ${i}: ${prediction}`).toBeLessThan(TOLERANCE);
    });
  });

  it.each(recorded.corpora)('of a corpus equals sacrebleu: from pair %i on, %i pairs', (first, count, expected) => {
    const corpus = pairs.slice(first, first + count);
    const found = corpusBleu(
      corpus.map(([prediction]) => prediction),
      corpus.map(([, reference]) => reference),
    );
    expect(Math.abs(found - expected)).toBeLessThan(TOLERANCE);
  });

  it('refuses predictions without references', () => {
    expect(() => corpusBleu(['a'], [])).toThrow('found 1 predictions and 0 references');
    expect(() => corpusBleu([], [])).toThrow('found 0 predictions and 0');
  });
});
