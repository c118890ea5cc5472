/** A whole model: what is cut when a text is too long, and text as it streams out. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  failureOf,
  oneThread,
  TINY_CONFIG,
  temporaryFolders,
  tinyWeights,
  writeTinyModel,
} from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { parseModelConfig } from '../model/config.ts';
import { loraConfigSchema } from '../model/lora.ts';
import { linearModules } from '../model/modules.ts';
import type { NamedTensor } from '../model/safetensors.ts';
import { contrastSchema } from './contrast.ts';
import { type GenerateAllOptions, type GenerateOptions, LanguageModel } from './language-model.ts';

const folders = temporaryFolders();

const START = 1;
const END = 2;
const VOCAB = 259;
const bytes = (text: string) => [...new TextEncoder().encode(text)].map(byte => byte + 3);

/**
 * A model whose next token follows from the last one alone: one-hot embeddings, layers that add nothing, and an output
 * matrix that gives each successor. Each text says what follows what; its last byte is followed by the end token.
 */
async function chainModel(texts: readonly string[], { maxPositions = 64 } = {}): Promise<LanguageModel> {
  const config = {
    ...TINY_CONFIG,
    vocab_size: VOCAB,
    hidden_size: VOCAB + 1,
    num_hidden_layers: 1,
    max_position_embeddings: maxPositions,
  };
  const width = config.hidden_size;
  const zeros = (name: string, shape: number[]): NamedTensor => ({
    name,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const embedding = zeros('model.embed_tokens.weight', [VOCAB, width]);
  for (let id = 0; id < VOCAB; id++) embedding.data[id * width + id] = 1;
  const head = zeros('lm_head.weight', [VOCAB, width]);
  for (const text of texts) {
    const ids = bytes(text);
    // a text that ends where it began goes round
    if (ids.at(-1) !== ids[0]) ids.push(END);
    ids.slice(1).forEach((next, i) => {
      head.data[next * width + ids[i]!] = 1;
    });
  }
  const norms = ['model.norm', 'model.layers.0.input_layernorm', 'model.layers.0.post_attention_layernorm'];
  const folder = await folders();
  await writeTinyModel(folder, config, [
    embedding,
    head,
    ...norms.map(name => ({ name: `${name}.weight`, shape: [width], data: new Float32Array(width).fill(1) })),
    ...linearModules(parseModelConfig(config, 'chain')).map(({ path, outWidth, inWidth }) =>
      zeros(`${path}.weight`, [outWidth, inWidth]),
    ),
  ]);
  return LanguageModel.load(folder, oneThread);
}

async function pieces(model: LanguageModel, prompt: string, options: Partial<GenerateOptions> = {}): Promise<string[]> {
  const found: string[] = [];
  const all = { temperature: 0, topP: 1, maxTokens: 40, random: random(1), ...options };
  for await (const piece of model.generate(prompt, all)) found.push(piece);
  return found;
}

describe('encode', () => {
  let model: LanguageModel;
  beforeAll(async () => {
    model = await chainModel(['ab']);
  });
  afterAll(() => model.close());

  test('what fits is whole', () => {
    expect(model.encode('ab', 'cd', { maxLength: 7 })).toEqual({
      ids: [START, ...bytes('ab cd'), END],
      promptLength: 3,
      promptCut: false,
      completionCut: false,
    });
  });

  test('a prompt loses its beginning, not its start token', () => {
    expect(model.encode('abcdef', 'xy', { maxLength: 7 })).toEqual({
      ids: [START, ...bytes('ef xy'), END],
      promptLength: 3,
      promptCut: true,
      completionCut: false,
    });
  });

  test('a completion that alone is too long loses its end, its end token first', () => {
    expect(model.encode('ab', 'uvwxyz', { maxLength: 5 })).toEqual({
      ids: [...bytes('b uvw')],
      promptLength: 1,
      promptCut: true,
      completionCut: true,
    });
  });

  test('any texts, any length: it fits, both sides keep at least a token, and every cut is told', () => {
    const text = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(text, text, fc.integer({ min: 2, max: 40 }), (prompt, completion, maxLength) => {
        const before = model.tokenizer.encodePrompt(prompt);
        const after = model.tokenizer.encodeCompletion(completion);
        const { ids, promptLength, promptCut, completionCut } = model.encode(prompt, completion, { maxLength });
        const kept = ids.slice(promptLength);
        expect(ids.length).toBe(Math.min(maxLength, before.length + after.length));
        expect(promptLength).toBeGreaterThan(0);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept).toEqual(after.slice(0, kept.length));
        expect([promptCut, completionCut]).toEqual([promptLength < before.length, kept.length < after.length]);
        // the prompt gives way first
        if (completionCut) expect(promptLength).toBe(1);
        if (promptLength > 1) {
          expect(ids[0]).toBe(START);
          expect(ids.slice(1, promptLength)).toEqual(before.slice(before.length - promptLength + 1));
        }
      }),
    );
  });

  test('a chat template stays whole: its text gives way, then the completion', async () => {
    const folder = await folders();
    await writeTinyModel(folder, { ...TINY_CONFIG, vocab_size: 259 });
    await writeFile(join(folder, 'chat_template.jinja'), '<{{ messages[0].content }}>');
    const chat = await LanguageModel.load(folder, oneThread);
    expect(chat.encode('abcd', 'xy', { maxLength: 7 })).toEqual({
      ids: [...bytes('<cd>xy'), 2],
      promptLength: 4,
      promptCut: true,
      completionCut: false,
    });
    expect(chat.encode('abcd', 'uvwxyz', { maxLength: 5 })).toEqual({
      ids: bytes('<>uvw'),
      promptLength: 2,
      promptCut: true,
      completionCut: true,
    });
    expect(await failureOf(() => chat.encode('a', 'b', { maxLength: 2 }))).toEqual({
      code: 'CONFIG',
      message: 'the maximum length 2 must be at least 3 tokens: the chat template takes 2.',
    });
  });

  test('a length that leaves nothing to learn', async () => {
    expect(await failureOf(() => model.encode('a', 'b', { maxLength: 1 }))).toEqual({
      code: 'CONFIG',
      message: 'the maximum length 1 must be at least 2 tokens.',
    });
  });
});

describe('generate', () => {
  test('a character comes whole, however many tokens it takes', async () => {
    const model = await chainModel(['aé€😀!']);
    expect(await pieces(model, 'a')).toEqual(['é', '€', '😀', '!']);
    expect(await pieces(model, 'a', { adapter: undefined, temperature: 1e-6 })).toEqual(['é', '€', '😀', '!']);
    // Cut off inside a character: what is there is told once, at the end.
    expect(await pieces(model, 'a', { maxTokens: 3 })).toEqual(['é', '\uFFFD']);
    await model.close();
  });

  test('bytes that are no text come as the replacement character, and what follows is not lost', async () => {
    const model = await chainModel(['ab']);
    const sampled = { temperature: 1, maxTokens: 60 };
    // An output matrix of near-equal logits samples any byte.
    const found = await pieces(model, 'zz', { ...sampled, random: random(3) });
    expect(found.length).toBeGreaterThan(5);
    expect(found.every(piece => piece.length > 0)).toBe(true);
    expect(await pieces(model, 'zz', { ...sampled, random: random(3) })).toEqual(found);
    expect(await pieces(model, 'zz', { ...sampled, random: random(4) })).not.toEqual(found);
    await model.close();
  });

  // The library's clean-up of spaces took back " " when "!" followed, and the stream then lost both.
  test('spaces before punctuation stay; the space that opens a completion goes', async () => {
    const model = await chainModel(['q hi!']);
    expect((await pieces(model, 'q')).join('')).toBe('hi!');
    await model.close();
    const spaced = await chainModel(['xo !']);
    expect((await pieces(spaced, 'x')).join('')).toBe('o !');
    await spaced.close();
  });

  test('no piece is empty', async () => {
    const model = await chainModel(['q hi']);
    expect(await pieces(model, 'q')).toEqual(['h', 'i']);
    await model.close();
  });

  test('a long answer does not push the prompt out', async () => {
    const model = await chainModel(['abca'], { maxPositions: 12 });
    // Of twelve positions the prompt keeps its two (start, a); ten are left to write.
    expect((await pieces(model, 'a', { maxTokens: 100 })).join('')).toBe('bcabcabcab');
  });

  test('stops at maxTokens, at the last position, and when told to', async () => {
    const model = await chainModel(['abca'], { maxPositions: 12 });
    expect((await pieces(model, 'a', { maxTokens: 4 })).join('')).toBe('bcab');
    // 12 positions: the start token and "a", then ten more
    expect((await pieces(model, 'a', { maxTokens: 10 })).join('')).toBe('bcabcabcab');
    const all = (await pieces(model, 'a', { maxTokens: 100 })).join('');
    expect('bcabcabcabca'.startsWith(all)).toBe(true);
    expect(all.length).toBeLessThan(12);
    const stop = new AbortController();
    const found: string[] = [];
    const options = { temperature: 0, topP: 1, maxTokens: 40, random: random(1), signal: stop.signal };
    for await (const piece of model.generate('a', options)) {
      found.push(piece);
      if (found.length === 3) stop.abort();
    }
    expect(found.join('')).toBe('bca');
    await model.close();
  });

  test('a prompt beyond the last position is cut from the left', async () => {
    const model = await chainModel(['abca'], { maxPositions: 12 });
    expect((await pieces(model, `${'z'.repeat(50)}b`, { maxTokens: 4 })).join('')).toBe('cabc');
    await model.close();
  });
});

describe('numbers that are not finite', () => {
  // Finite weights whose product is not: nothing at loading tells.
  const overflowing = async () => {
    const folder = await folders();
    const weights = tinyWeights({ ...TINY_CONFIG, vocab_size: VOCAB });
    for (const { name, data } of weights) if (/^(lm_head|model\.norm)\./.test(name)) data.fill(1e30);
    await writeTinyModel(folder, { ...TINY_CONFIG, vocab_size: VOCAB }, weights);
    return LanguageModel.load(folder, oneThread);
  };
  const message = expect.stringMatching(
    /^the model computed logits that are not finite numbers \((-?Infinity|NaN) for/,
  );

  test.each([0, 1])('end in a sentence at temperature %d, alone and in a batch', async temperature => {
    const broken = await overflowing();
    const options = { maxTokens: 3, temperature, topP: 1 };
    const alone = broken.generate('a', { ...options, random: random(1, 'x') });
    expect(await failureOf(() => alone.next())).toEqual({ code: 'ENGINE', message });
    const batch = () => broken.generateAll(['a', 'b'], { ...options, random: i => random(i, 'x') });
    expect(await failureOf(batch)).toEqual({ code: 'ENGINE', message });
    await broken.close();
  });
});

describe('generateAll', () => {
  const greedy = { temperature: 0, topP: 1, maxTokens: 10, random: () => random(1) };
  const adapter = (rank: number) => ({ config: loraConfigSchema.parse({ rank }), matrices: [] });

  test('each text ends by itself, and is told when it does', async () => {
    const model = await chainModel(['abcdefgh']);
    const told: string[] = [];
    const onText = (_: number, text: string) => void told.push(text);
    const texts = await model.generateAll(['a', 'g', 'e', 'h'], { ...greedy, onText, batchSize: 2 });
    expect(texts).toEqual(['bcdefgh', 'h', 'fgh', '']);
    expect(told).toEqual(['h', 'fgh', '', 'bcdefgh']);
    expect(await model.generateAll([], greedy)).toEqual([]);
    expect(await model.generateAll(['a', 'f'], { ...greedy, maxTokens: 2 })).toEqual(['bc', 'gh']);
    await model.close();
  });

  test('prompt and text together stay within maxLength; the prompt keeps half of it', async () => {
    const model = await chainModel(['abca']);
    const all = (prompts: string[], maxLength: number) => model.generateAll(prompts, { ...greedy, maxLength });
    // The start token and "a" leave six of eight, a prompt cut to half leaves four.
    expect(await all(['a', 'zzzzzzzzb'], 8)).toEqual(['bcabca', 'cabc']);
    // More than the model was made for is not more; maxTokens stands beside it.
    expect(await all(['a'], 1000)).toEqual(['bcabcabcab']);
    await model.close();
  });

  test('stopped by the signal', async () => {
    const model = await chainModel(['abca']);
    const stop = new AbortController();
    const onText = () => stop.abort();
    const waiting = () => model.generateAll(['a', 'b', 'c'], { ...greedy, batchSize: 1, onText, signal: stop.signal });
    expect(await failureOf(waiting)).toEqual({
      code: 'INTERRUPTED',
      message: 'stopped; the texts of this call are lost, and earlier ones are kept.',
    });
    await model.close();
  });

  test('adapters that do not go together', async () => {
    const model = await chainModel(['ab']);
    const failure = (more: Partial<GenerateAllOptions>) =>
      failureOf(() => model.generateAll(['a', 'b'], { ...greedy, ...more }));
    expect(await failure({ adapter: [adapter(4)] })).toEqual({
      code: 'CONFIG',
      message: '1 adapter given for 2 prompts; give one, or one for each.',
    });
    expect(await failure({ adapter: [adapter(4), adapter(8)] })).toEqual({
      code: 'CONFIG',
      message: 'the adapters have 2 different settings; decode those with the same settings separately.',
    });
    expect(await failure({ contrast: contrastSchema.parse({}) })).toEqual({
      code: 'CONFIG',
      message: 'contrastive decoding needs an adapter to compare with the model alone.',
    });
    await model.close();
  });
});

test('a token that the embedding has no row for is refused, in prompts and in texts', async () => {
  const folder = await folders();
  await writeTinyModel(folder, TINY_CONFIG);
  const model = await LanguageModel.load(folder, oneThread);
  const refused = (first: string) => ({
    code: 'TOKENIZER',
    message:
      `${folder}: tokenizer.json gives the token id ${bytes(first)[0]}, but the model's embedding has ` +
      `${TINY_CONFIG.vocab_size} rows (0 to ${TINY_CONFIG.vocab_size - 1}). ` +
      'Use the tokenizer.json and the weights of the same model.',
  });
  expect(await failureOf(() => model.encode('', 'a', { maxLength: 8 }))).toEqual(refused(' '));
  expect(await failureOf(() => model.encode('a', '', { maxLength: 8 }))).toEqual(refused('a'));
  const options = { maxTokens: 1, temperature: 0, topP: 1, random: random(1) };
  expect(
    await failureOf(() =>
      model
        .generate('a', options as GenerateOptions)
        [Symbol.asyncIterator]()
        .next(),
    ),
  ).toEqual(refused('a'));
});
