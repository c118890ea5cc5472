/** Sentence encoders of every published layout against sentence-transformers, and what is refused. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { failureOf, largestDifference, oneThread, temporaryFolders } from '../../tests/parity/support.ts';
import { readFloats, readHeader } from '../model/safetensors.ts';
import { EncoderEmbedder } from './encoder-embedder.ts';

const folders = temporaryFolders();
const fixture = (variant: string) =>
  fileURLToPath(new URL(`../../tests/fixtures/encoders/${variant}`, import.meta.url));

/** The same in tests/fixtures/encoder.py: capitals, accents, a sign without a token, a text beyond the limits. */
const TEXTS = [
  'fix: the parser',
  'Adding THE Café!',
  'a',
  '€ 5',
  'the quick brown fox jumps over the lazy dog '.repeat(3),
];

// Both sides compute in float32 in different orders; they were seen 7e-7 apart. The other pooling, a missing scaling or
// one token more of the long text moves a value by 0.001 and more.
const VALUES = 1e-5;

const open = (folder: string) => EncoderEmbedder.open(folder, oneThread);
const embed = (embedder: EncoderEmbedder, completion: string) => embedder.embed({ prompt: '', completion });

describe.each(['mean', 'cls', 'sentence', 'pooler'])('%s', variant => {
  test('the embeddings of sentence-transformers or transformers', async () => {
    const embedder = await open(fixture(variant));
    const entries = await readHeader(join(fixture(variant), 'expected.safetensors'));
    const expected = await readFloats(entries.get('embeddings')!);
    expect(embedder.width).toBe(16);
    for (const [i, text] of TEXTS.entries()) {
      const row = expected.subarray(16 * i, 16 * (i + 1));
      expect(largestDifference(await embed(embedder, text), row)).toBeLessThan(VALUES);
    }
    await embedder.close();
  });
});

test('one embedding is the same bits whatever was embedded before; the prompt is not looked at', async () => {
  const embedder = await open(fixture('mean'));
  const alone = await embed(embedder, TEXTS[0]!);
  for (const text of TEXTS) await embed(embedder, text);
  expect(await embedder.embed({ prompt: 'any', completion: TEXTS[0]! })).toEqual(alone);
  await embedder.close();
});

/** A copy of an encoder with one file changed or, by null, gone. */
async function changed(variant: string, name: string, content: unknown): Promise<string> {
  const folder = await folders();
  await cp(fixture(variant), folder, { recursive: true });
  if (content === null) await rm(join(folder, name));
  else await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return folder;
}

test('the name changes with whatever changes a vector', async () => {
  const pooling = await changed('mean', '1_Pooling/config.json', { pooling_mode: 'cls' });
  const shorter = await changed('mean', 'sentence_bert_config.json', { max_seq_length: 5 });
  const names: string[] = [];
  for (const folder of [fixture('mean'), fixture('mean'), pooling, shorter, fixture('cls')]) {
    const embedder = await open(folder);
    names.push(embedder.name);
    await embedder.close();
  }
  expect(names[0]).toBe(names[1]);
  expect(new Set(names).size).toBe(4);
});

describe('what is no sentence encoder', () => {
  test('a folder without a model', async () => {
    const folder = await changed('cls', 'model.onnx', null);
    expect(await failureOf(() => open(folder))).toEqual({
      code: 'MODEL',
      message:
        `${folder} holds neither model.onnx nor onnx/model.onnx. ` +
        'A sentence encoder is a folder with an ONNX export of it.',
    });
  });

  test('a folder without a tokenizer', async () => {
    const failure = await failureOf(async () => open(await changed('cls', 'tokenizer.json', null)));
    expect(failure.code).toBe('TOKENIZER');
  });

  test('a file that is not ONNX', async () => {
    const folder = await changed('cls', 'model.onnx', 'version https://git-lfs.github.com/spec/v1');
    const { code, message } = await failureOf(() => open(folder));
    expect(code).toBe('ENGINE');
    expect(message).toContain(join(folder, 'model.onnx'));
  });

  test('a model with other inputs and outputs', async () => {
    // A name changed for one of the same length leaves a valid model with another signature.
    const renamed = async (variant: string, from: string, to: string) => {
      const bytes = await readFile(join(fixture(variant), 'model.onnx'), 'latin1');
      const folder = await changed(variant, 'model.onnx', null);
      await writeFile(join(folder, 'model.onnx'), bytes.replaceAll(from, to), 'latin1');
      return failureOf(() => open(folder));
    };
    const expected =
      'Expected are integer inputs input_ids, attention_mask, token_type_ids and an output sentence_embedding or ' +
      'last_hidden_state or token_embeddings or pooler_output in float32.';
    const inputs = await renamed('cls', 'input_ids', 'pixels_in');
    expect(inputs.code).toBe('MODEL');
    expect(inputs.message).toContain(
      `model.onnx is not a sentence encoder: it has an input pixels_in of int64. ${expected}`,
    );
    const outputs = await renamed('pooler', 'pooler_output', 'other__output');
    expect(outputs.message).toContain(`its outputs are other__output. ${expected}`);
  });

  test('a step or a pooling that is not there', async () => {
    const steps = ['Transformer', 'Pooling', 'Dense'].map((step, i) => ({
      type: `sentence_transformers.models.${step}`,
      path: `${i}`,
    }));
    expect((await failureOf(async () => open(await changed('cls', 'modules.json', steps)))).message).toMatch(
      /modules\.json: the step Dense is not in the ONNX file and not supported\. Export the encoder with an output/,
    );
    const weighted = { pooling_mode_weightedmean_tokens: true, pooling_mode_cls_token: true };
    expect(
      (await failureOf(async () => open(await changed('cls', '1_Pooling/config.json', weighted)))).message,
    ).toMatch(/config\.json: pooling by weightedmean and cls is not supported; mean and cls are\./);
  });

  test('a folder where a file should be', async () => {
    const folder = await changed('cls', 'model.onnx', null);
    await mkdir(join(folder, 'model.onnx'));
    const { message } = await failureOf(() => open(folder));
    expect(message).toBe(`${join(folder, 'model.onnx')} is a folder; a file was expected.`);
  });

  test.each([
    ['modules.json', '{}', 'expected array, received object'],
    ['modules.json', '[{"type": "X"}]', '"0.path": expected string, received undefined'],
    ['1_Pooling/config.json', '[]', 'expected an object'],
    ['sentence_bert_config.json', '{"max_seq_length": "9"}', '"max_seq_length": expected number, received string'],
  ])('%s with %s: one sentence, not what the schema library says', async (name, text, why) => {
    const folder = await changed('cls', name, JSON.parse(text));
    expect(await failureOf(() => open(folder))).toMatchObject({
      code: 'MODEL',
      message: `${join(folder, name)} does not fit a sentence encoder (${why}). Download it again.`,
    });
  });
});
