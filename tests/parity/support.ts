/** What the parity tests share: the recorded checkpoints opened as models, and whole logits for comparison. */
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { IdiolectError } from '../../src/common/errors.ts';
import { random } from '../../src/common/random.ts';
import { type EngineOptions, Session } from '../../src/engine/session.ts';
import { floats, int64 } from '../../src/engine/tensor.ts';
import { Graph } from '../../src/graph/index.ts';
import { packRows } from '../../src/language-model/batch.ts';
import { LanguageModel } from '../../src/language-model/language-model.ts';
import { loraFeeds } from '../../src/language-model/scorer.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { parseModelConfig } from '../../src/model/config.ts';
import { Decoder, decoderInputs, loraInputs } from '../../src/model/decoder.ts';
import { linearModules } from '../../src/model/modules.ts';
import { type NamedTensor, readBytes, readFloats, readHeader, writeSafetensors } from '../../src/model/safetensors.ts';
import { FileWeights } from '../../src/model/weight-source.ts';

/** The graphs here are tiny: one thread is fastest, and sums then always run in the same order. */
export const oneThread: EngineOptions = { device: 'cpu', threads: 1 };

export const VARIANTS = [
  'llama-mha',
  'llama-gqa-tied',
  'llama3-rope',
  'llama-linear-rope',
  'llama-bias',
  'mistral-window',
  'qwen2',
  'qwen2-window',
  'qwen3',
  'llama-bf16',
  'llama-f16',
  'llama-sharded',
  'llama-patterns',
  'llama-bare',
  'llama-pissa',
  'llama-yarn',
  'llama-dynamic',
  'llama-gelu',
  'llama-gelu-tanh',
] as const;

export function fixtureFolder(variant: string): string {
  return fileURLToPath(new URL(`../fixtures/checkpoints/${variant}`, import.meta.url));
}

/** Gives fresh folders that are gone when the test file is done. */
export function temporaryFolders(): () => Promise<string> {
  const made: string[] = [];
  afterAll(() => Promise.all(made.map(folder => rm(folder, { recursive: true, force: true }))));
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
    made.push(folder);
    return folder;
  };
}

/** One token for each of the 256 bytes, by the characters byte-level tokenizers write them with. */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** Ids 0, 1, 2 of the tiny tokenizer. */
export const TINY_SPECIALS = ['<pad>', '<s>', '</s>'] as const;

/** The character a byte-level vocabulary writes a byte with. */
export const byteToken = (byte: number): string => byteCharacters()[byte]!;

export interface TinyTokenizerOptions {
  /** Bytes that have a token, in the order of their ids from 3 on; all of them when left out. */
  readonly bytes?: readonly number[];
  /** Put `<s>` before every text. */
  readonly startToken?: boolean;
  readonly specials?: readonly string[];
}

/** A byte-level BPE tokenizer.json without merges: a token is a byte, after three special ones. */
export function tinyTokenizer(options: TinyTokenizerOptions = {}): Record<string, unknown> {
  const {
    bytes = Array.from({ length: 256 }, (_, byte) => byte),
    startToken = true,
    specials = TINY_SPECIALS,
  } = options;
  const characters = byteCharacters();
  const vocabulary = [...specials, ...bytes.map(byte => characters[byte]!)];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: startToken
      ? {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [],
          special_tokens: { '<s>': { id: '<s>', ids: [specials.indexOf('<s>')], tokens: ['<s>'] } },
        }
      : null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** Lower-case letters, a space, and the bytes of é, € and 😀: 45 bytes, so that the ids fill a vocabulary of 48. */
export const FIXTURE_BYTES: readonly number[] = [
  32,
  ...Array.from({ length: 26 }, (_, i) => 97 + i),
  ...new TextEncoder().encode('é€😀'),
  ...new TextEncoder().encode('.,!?:;-\n0'),
];

/** A recorded checkpoint as a whole model folder: links to its files beside a tokenizer that fits its vocabulary. */
export async function modelFolder(variant: string, folder: string): Promise<string> {
  const source = fixtureFolder(variant);
  for (const name of await readdir(source)) {
    if (name !== 'expected.safetensors') await symlink(join(source, name), join(folder, name));
  }
  await writeTokenizer(folder, tinyTokenizer({ bytes: FIXTURE_BYTES }));
  return folder;
}

export async function openVariant(variant: string, folder: string): Promise<LanguageModel> {
  return LanguageModel.load(await modelFolder(variant, folder), oneThread);
}

/** What transformers and PEFT computed; see tests/fixtures/checkpoints.py. */
export interface Expected {
  /** Token ids of each sequence, padding removed. */
  readonly ids: readonly (readonly number[])[];
  readonly promptLengths: readonly number[];
  /** Logits of every token, one sequence after the other, padding removed: [tokens, vocabulary]. */
  readonly logits: Float32Array;
  readonly adapterLogits: Float32Array;
  readonly tokenLogProbs: Float32Array;
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export async function readExpected(variant: string): Promise<Expected> {
  const entries = await readHeader(join(fixtureFolder(variant), 'expected.safetensors'));
  const numbers = (name: string) => readFloats(entries.get(name)!);
  const integers = async (name: string) =>
    Array.from(new BigInt64Array((await readBytes(entries.get(name)!)).buffer), Number);
  const lengths = await integers('lengths');
  const width = entries.get('ids')!.shape[1]!;
  const padded = await integers('ids');
  const unpad = async (name: string) => {
    const values = await numbers(name);
    const row = entries.get(name)!.shape[2]!;
    return joined(lengths.map((length, s) => values.subarray(s * width * row, (s * width + length) * row)));
  };
  const gradients = [...entries.keys()].filter(name => name.startsWith('grad.'));
  return {
    ids: lengths.map((length, s) => padded.slice(s * width, s * width + length)),
    promptLengths: await integers('prompt_lengths'),
    logits: await unpad('logits'),
    adapterLogits: await unpad('adapter_logits'),
    tokenLogProbs: await numbers('token_logprobs'),
    loss: (await numbers('loss'))[0]!,
    gradients: new Map(
      await Promise.all(gradients.map(async name => [name.slice('grad.'.length), await numbers(name)] as const)),
    ),
  };
}

export function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap(part => [...part]));
}

/** Logits after every token of every sequence, all in one packed batch: [tokens, vocabulary]. */
export async function allLogits(
  { checkpoint, engine, rope }: Pick<LanguageModel, 'checkpoint' | 'engine' | 'rope'>,
  sequences: readonly (readonly number[])[],
  adapter?: Adapter,
): Promise<Float32Array> {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['selected']);
  const decoder = new Decoder(g, new FileWeights(g, checkpoint));
  const lora = adapter && loraInputs(g, adapter.config, checkpoint.linears, { dropout: false });
  g.output('logits', decoder.logits(decoder.hidden(inputs, selected, { lora })));
  const session = await Session.create(g, engine, checkpoint.weightsFolder);
  try {
    const rows = sequences.flat().map((_, row) => row);
    const { feeds } = packRows(sequences, rope);
    const results = await session.run({ ...feeds, ...loraFeeds(adapter?.matrices ?? []), selected: int64(rows) });
    return floats(results.logits!).slice();
  } finally {
    await session.release();
  }
}

export const TINY_CONFIG = {
  model_type: 'llama',
  vocab_size: 20,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  eos_token_id: 2,
} as const;

/** Random weights for every tensor a configuration asks for, by name. */
export function tinyWeights(config: Readonly<Record<string, unknown>> = TINY_CONFIG, seed = 1): NamedTensor[] {
  const parsed = parseModelConfig(config, 'tiny');
  const { vocabSize, hiddenSize, layers } = parsed;
  const shapes: [string, number[]][] = [
    ['model.embed_tokens.weight', [vocabSize, hiddenSize]],
    ['model.norm.weight', [hiddenSize]],
    ...(parsed.tiedHead ? [] : [['lm_head.weight', [vocabSize, hiddenSize]] as [string, number[]]]),
    ...Array.from({ length: layers }, (_, layer) =>
      ['input_layernorm', 'post_attention_layernorm'].map(
        name => [`model.layers.${layer}.${name}.weight`, [hiddenSize]] as [string, number[]],
      ),
    ).flat(),
    ...linearModules(parsed).map(
      ({ path, outWidth, inWidth }) => [`${path}.weight`, [outWidth, inWidth]] as [string, number[]],
    ),
  ];
  return shapes.map(([name, shape]) => {
    const source = random(seed, name);
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, shape, data: Float32Array.from({ length }, () => source.uniform() - 0.5) };
  });
}

/** A whole model folder with the tiny tokenizer; `vocab_size` 259 gives every byte a token. */
export async function writeTinyModel(
  folder: string,
  config: Readonly<Record<string, unknown>> = TINY_CONFIG,
  weights: readonly NamedTensor[] = tinyWeights(config),
): Promise<void> {
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeSafetensors(join(folder, 'model.safetensors'), weights);
  await writeTokenizer(folder);
}

export async function writeTokenizer(
  folder: string,
  definition: Readonly<Record<string, unknown>> = tinyTokenizer(),
  settings: Readonly<Record<string, unknown>> = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' },
): Promise<void> {
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(definition));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings));
}

/** A safetensors file from parts, right or wrong. */
export function safetensorsBytes(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

/** The code and sentence of the IdiolectError that `action` ends in; anything else is thrown on. */
export async function failureOf(action: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await action();
  } catch (error) {
    if (error instanceof IdiolectError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('an IdiolectError was expected, but nothing was thrown');
}

/** The largest absolute difference; infinite when the lengths differ or a number is not one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length || a.length === 0) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** Euclidean norm of a - b over that of b. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let distance = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    distance += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  const ratio = Math.sqrt(distance / norm);
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}
