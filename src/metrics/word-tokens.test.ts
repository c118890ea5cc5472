import { describe, expect, it } from 'vitest';
import { readGzipJson } from '../../tests/support/gzip-json.ts';
import { wordTokens } from './word-tokens.ts';

const pairs = readGzipJson<[string, string][]>('text_pairs.json.gz');
const recorded = readGzipJson<{
  tokens: [string[], string[]][];
  quotes: [text: string, tokens: string[]][];
}>('meteor.json.gz');

describe('word tokens', () => {
  it('are those of NLTK’s word_tokenize on 2,000 texts', () => {
    expect(recorded.tokens).toHaveLength(1000);
    pairs.forEach((pair, i) => {
      expect(pair.map(wordTokens)).toEqual(recorded.tokens[i]);
    });
  });

  it.each(recorded.quotes)('of %j are NLTK’s', (text, tokens) => {
    expect(wordTokens(text)).toEqual(tokens);
  });
});
