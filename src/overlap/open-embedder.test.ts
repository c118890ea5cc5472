/** What the setting `embedder` names, and that a model's embeddings are found again. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureOf, openVariant, temporaryFolders } from '../../tests/parity/support.ts';
import type { LanguageModel } from '../language-model/language-model.ts';
import { embedderSchema, openEmbedder } from './open-embedder.ts';

const folders = temporaryFolders();
const ENCODER = fileURLToPath(new URL('../../tests/fixtures/encoders/mean', import.meta.url));
const TEXT = { prompt: 'a prompt', completion: 'a text' };

let model: LanguageModel;
beforeAll(async () => {
  model = await openVariant('llama-mha', await folders());
});
afterAll(() => model.close());

test.each([
  [{}, /^backbone-[0-9a-f]{32}-cpu-64-auto-2024-07-26$/, 32, true],
  [{ embedder: ENCODER }, /^encoder-[0-9a-f]{32}-cpu$/, 16, true],
  [{ embedder: 'ngrams' }, /^ngrams-512$/, 512, false],
])('%j', async (given, name, width, isKept) => {
  const cache = await folders();
  const settings = { ...embedderSchema.parse(given), maxLength: 2048, chat: 'auto', cache } as const;
  const vectors: Float32Array[] = [];
  for (let time = 0; time < 2; time++) {
    const embedder = await openEmbedder(settings, model);
    expect(embedder.name).toMatch(name);
    vectors.push(await embedder.embed(TEXT));
    await embedder.close();
  }
  expect(vectors[0]).toHaveLength(width);
  expect(vectors[1]).toEqual(vectors[0]);
  const kept = await readdir(join(cache, 'embeddings')).catch(() => []);
  expect(kept).toHaveLength(isKept ? 1 : 0);
});

test('a name that names nothing', async () => {
  expect(await failureOf(() => openEmbedder({ embedder: 'ngram', maxLength: 64, chat: 'auto' }, model))).toEqual({
    code: 'CONFIG',
    message: '`embedder`: "ngram" is neither backbone, ngrams nor a folder that exists.',
  });
});
