/** Byte-level BPE against Hugging Face tokenizers; tests/fixtures/bpe.py says how its side was recorded. */
import { readFile } from 'node:fs/promises';
import { Tokenizer } from '@huggingface/tokenizers';
import { describe, expect, it } from 'vitest';
import { countPieces, pieces, tokenizerJson, trainBpe } from './bpe-trainer.ts';

interface Fixture {
  specials: string[];
  texts: string[];
  trainings: {
    vocab_size: number;
    min_frequency: number;
    vocabulary: string[];
    merges: [string, string][];
    ids: number[][];
  }[];
}

const root = new URL('../../', import.meta.url);
const fixture: Fixture = JSON.parse(await readFile(new URL('tests/fixtures/bpe.json', root), 'utf8'));
const license = await readFile(new URL('LICENSE', root), 'utf8');
const { specials, texts } = fixture;

function counted(documents: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const document of documents) countPieces(document, counts);
  return counts;
}

describe('byte-level BPE', () => {
  it.each(fixture.trainings)('of $vocab_size entries is what tokenizers trains', training => {
    const counts = counted([...license.split('\n\n'), ...texts]);
    const options = { vocabSize: training.vocab_size, specials, minFrequency: training.min_frequency };
    const bpe = trainBpe(counts, options);
    expect(bpe.vocabulary).toEqual(training.vocabulary);
    expect(bpe.merges).toEqual(training.merges);
    const tokenizer = new Tokenizer(tokenizerJson(bpe, specials), {});
    texts.forEach((text, i) => {
      const { ids } = tokenizer.encode(text);
      expect(ids).toEqual(training.ids[i]);
      expect(pieces(text).flatMap(piece => tokenizer.encode(piece).ids)).toEqual(ids);
      expect(tokenizer.decode(ids, { clean_up_tokenization_spaces: false })).toBe(text);
    });
  });

  it('does not depend on the order of the texts', () => {
    const options = { vocabSize: 600, specials, minFrequency: 2 };
    const paragraphs = license.split('\n\n');
    expect(trainBpe(counted(paragraphs.toReversed()), options)).toEqual(trainBpe(counted(paragraphs), options));
  });

  it('stops where no pair is left, and refuses what cannot be', () => {
    const { vocabulary, merges } = trainBpe(counted(['ab ab']), { vocabSize: 400, specials, minFrequency: 1 });
    expect(merges).toEqual([
      ['a', 'b'],
      ['Ġ', 'ab'],
    ]);
    expect(vocabulary).toHaveLength(3 + 256 + 2);
    for (const vocabSize of [258, 65_537]) {
      expect(() => trainBpe(new Map(), { vocabSize, specials, minFrequency: 1 })).toThrow(/cannot be/);
    }
  });
});
