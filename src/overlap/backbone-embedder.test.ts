/** The backbone's embedding against transformers, and that it depends on its own text alone. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { largestDifference, openVariant, temporaryFolders, VARIANTS } from '../../tests/parity/support.ts';
import { readFloats, readHeader, type TensorEntry } from '../model/safetensors.ts';
import { BackboneEmbedder } from './backbone-embedder.ts';

const folders = temporaryFolders();
const options = { maxLength: 64, chat: 'auto' } as const;

/** The same in tests/fixtures/hidden_states.py. */
const TEXTS = [
  { prompt: 'what changed?', completion: 'fix: the parser' },
  { prompt: 'what changed?', completion: 'a 😀!' },
  { prompt: '', completion: 'no prompt at all, é' },
];

// Both sides compute in float32 in different orders; the states are rows of a norm, of size 1 to 4, and were seen 7e-7
// apart. A row too many or too few in the mean moves it by 0.04 and more.
const STATES = 1e-5;

describe('the mean hidden state of the completion', () => {
  let recorded: ReadonlyMap<string, TensorEntry>;
  beforeAll(async () => {
    recorded = await readHeader(
      fileURLToPath(new URL('../../tests/fixtures/hidden_states.safetensors', import.meta.url)),
    );
  });

  test.each(VARIANTS)('%s, as transformers computes it', async variant => {
    const model = await openVariant(variant, await folders());
    const embedder = new BackboneEmbedder(model, options);
    const expected = await readFloats(recorded.get(variant)!);
    for (const [i, text] of TEXTS.entries()) {
      const row = expected.subarray(i * embedder.width, (i + 1) * embedder.width);
      expect(largestDifference(await embedder.embed(text), row)).toBeLessThan(STATES);
    }
    await model.close();
  });
});

describe('one embedding', () => {
  test('is the same bits whatever was embedded before, and after the model’s sessions were released', async () => {
    const model = await openVariant('qwen3', await folders());
    const embedder = new BackboneEmbedder(model, options);
    const alone = await embedder.embed(TEXTS[0]!);
    await embedder.embed(TEXTS[2]!);
    await embedder.embed(TEXTS[1]!);
    expect(await embedder.embed(TEXTS[0]!)).toEqual(alone);
    await model.release();
    expect(await embedder.embed(TEXTS[0]!)).toEqual(alone);
    await model.close();
  });

  test('follows the prompt and the completion, and is cut as in training', async () => {
    const model = await openVariant('llama-mha', await folders());
    const embedder = new BackboneEmbedder(model, options);
    const [first, second] = TEXTS;
    const found = await embedder.embed(first!);
    expect(largestDifference(await embedder.embed({ ...first!, prompt: 'what else?' }), found)).toBeGreaterThan(0.01);
    expect(largestDifference(await embedder.embed(second!), found)).toBeGreaterThan(0.01);
    // 64 positions: of a long prompt the end is kept, behind the start token
    const long = (fill: string) => ({ prompt: `${fill.repeat(100)}${'b'.repeat(90)}`, completion: 'ok' });
    expect(await embedder.embed(long('x'))).toEqual(await embedder.embed(long('y')));
    await model.close();
  });

  test('another model, length or chat setting has another name', async () => {
    const models = [await openVariant('qwen2', await folders()), await openVariant('llama-mha', await folders())];
    const names = models.flatMap(model => [
      new BackboneEmbedder(model, options).name,
      new BackboneEmbedder(model, { ...options, maxLength: 32 }).name,
      new BackboneEmbedder(model, { ...options, chat: 'never' }).name,
    ]);
    expect(new Set(names).size).toBe(6);
    // beyond the model's own limit nothing changes
    expect(new BackboneEmbedder(models[0]!, { ...options, maxLength: 9999 }).name).toBe(names[0]);
  });
});
