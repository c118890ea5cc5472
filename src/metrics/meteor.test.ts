import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { meteor } from './meteor.ts';
import { wordTokens } from './word-tokens.ts';
import { readWordNet } from './wordnet.ts';

const pairs = readGzipJson<[string, string][]>('text_pairs.json.gz');
const { meteor: recorded } = readGzipJson<{ meteor: [stems: number, synonyms: number][] }>('meteor.json.gz');
const synonyms = await readWordNet(fileURLToPath(new URL('../../tests/fixtures/wordnet', import.meta.url)));

describe('METEOR', () => {
  it('equals NLTK’s on 1,000 pairs, with WordNet and without', () => {
    expect(recorded).toHaveLength(1000);
    let told = 0;
    pairs.forEach(([prediction, reference], i) => {
      const texts = [wordTokens(prediction), wordTokens(reference)] as const;
      const [withoutWordNet, withWordNet] = recorded[i]!;
      // Recorded to 9 decimals; the arithmetic is the same on the same counts.
      expect(Math.abs(meteor(...texts) - withoutWordNet), `pair ${i}: ${prediction}`).toBeLessThan(1e-9);
      expect(Math.abs(meteor(...texts, synonyms) - withWordNet), `pair ${i}: ${prediction}`).toBeLessThan(1e-9);
      if (withWordNet !== withoutWordNet) told++;
    });
    expect(told).toBeGreaterThan(50); // the third stage plays a part in what was recorded
  });

  it('has the value of NLTK’s documentation', () => {
    const prediction = 'It is a guide to action which ensures that the military always obeys the commands of the party';
    const reference = 'It is a guide to action that ensures that the military will forever heed Party commands';
    // The reference's words are all joined by the first stage or not at all, and four decimals are given.
    expect(meteor(prediction.split(' '), reference.split(' '))).toBeCloseTo(0.6944, 4);
  });
});
