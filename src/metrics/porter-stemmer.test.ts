import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { porterStem } from './porter-stemmer.ts';

const recorded = readGzipJson<[word: string, stem: string][]>('porter_stemmer.json.gz');

describe('the stemmer', () => {
  it('gives NLTK’s stem of every recorded word', () => {
    expect(recorded.length).toBeGreaterThan(5000);
    const wrong = recorded.filter(([word, stem]) => porterStem(word) !== stem);
    expect(wrong.map(([word, stem]) => [word, stem, porterStem(word)])).toEqual([]);
  });
});
