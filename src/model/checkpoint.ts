/** A Hugging Face model folder: its configuration and where each weight is. Nothing is loaded here. */
import { open, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { sha256 } from '../common/files.ts';
import { printable } from '../common/printable.ts';
import { snapshotOf } from '../hub/hub-cache.ts';
import { weightFileNames } from '../hub/weight-files.ts';
import { type ModelConfig, readModelConfig } from './config.ts';
import { type LinearModule, linearModules } from './modules.ts';
import { readHeader, type TensorEntry } from './safetensors.ts';
import type { WeightFiles } from './stored-tensors.ts';

/** A prepared 8-bit base. */
export interface Int8Files extends WeightFiles {
  /** Changes with whatever changes the numbers of a base of the same model. */
  readonly recipe: string;
}

export interface Checkpoint extends WeightFiles {
  /** As it was named by the caller. */
  readonly folder: string;
  /** What PEFT and servers look the model up by: its name on the Hub where it is in the Hub's cache, else the folder. */
  readonly name: string;
  /** Where it is in the Hub's cache, the commit. */
  readonly commit?: string;
  readonly config: ModelConfig;
  /** The weight files by the names `folder` gives them, links not followed. */
  readonly weightNames: readonly string[];
  readonly linears: readonly LinearModule[];
  /** The frozen weights in 8 bits, if computations are to use them in place of `tensors`. */
  readonly int8?: Int8Files;
  /** Changes with the configuration, any weight file's header, or the 256 bytes in the middle of any tensor. */
  readonly fingerprint: string;
}

const FLOAT_TYPES = new Set(['F32', 'F16', 'BF16']);

/**
 * Opens a folder and checks that every weight the architecture needs is there, with the shape it needs.
 *
 * @throws IdiolectError MODEL or CHECKPOINT naming what is missing, wrong or not supported
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const written = await readModelConfig(folder);
  const weightNames = await weightFileNames(folder);
  const files = await Promise.all(weightNames.map(name => resolveWeightFile(folder, name)));
  const tensors = new Map<string, TensorEntry>();
  const configText = await readFile(join(folder, 'config.json'));
  const fingerprints: string[] = [sha256(configText)];
  for (const file of files) {
    const header = await readHeader(file);
    for (const entry of header.values()) {
      const other = tensors.get(entry.name);
      if (other) {
        throw new IdiolectError(
          'CHECKPOINT',
          `${file}: tensor "${printable(entry.name)}" is in ${other.file} too. Each weight belongs in one file.`,
        );
      }
      tensors.set(entry.name, entry);
    }
    fingerprints.push(sha256(JSON.stringify([...header.values()].map(({ file: _, ...entry }) => entry))));
    fingerprints.push(await contentProbe([...header.values()]));
  }
  addPrefix(tensors);
  requireLayers(folder, written.layers, tensors);
  // A head of its own in the files counts more than the word in config.json, as in transformers.
  const config = { ...written, tiedHead: written.tiedHead && !tensors.has('lm_head.weight') };
  const linears = linearModules(config);
  for (const [name, shape] of weightShapes(config)) check(folder, tensors.get(name), name, shape);
  const snapshot = snapshotOf(folder);
  return {
    folder,
    name: snapshot?.id ?? folder,
    ...(snapshot && { commit: snapshot.commit }),
    config,
    tensors,
    weightsFolder: commonFolder(files),
    weightNames,
    linears,
    fingerprint: sha256(...fingerprints),
  };
}

/** A model saved without its head (transformers' AutoModel) names its tensors without `model.`; they are the same. */
function addPrefix(tensors: Map<string, TensorEntry>): void {
  if (!tensors.has('embed_tokens.weight') || tensors.has('model.embed_tokens.weight')) return;
  for (const [name, entry] of [...tensors]) {
    if (!/^(embed_tokens|layers|norm)\./.test(name) || tensors.has(`model.${name}`)) continue;
    tensors.delete(name);
    tensors.set(`model.${name}`, entry);
  }
}

/** Before lists of all that the layers hold are made. */
function requireLayers(folder: string, layers: number, tensors: ReadonlyMap<string, TensorEntry>): void {
  const numbers = [...tensors.keys()].map(name => /^model\.layers\.(\d+)\./.exec(name)?.[1]);
  const held = new Set(numbers.filter(number => number !== undefined)).size;
  if (layers <= held) return;
  throw new IdiolectError(
    'CHECKPOINT',
    `${folder}: config.json has num_hidden_layers ${layers}, but the weight files hold ${counted(held, 'layer')}. ` +
      'The files and config.json do not belong together.',
  );
}

/** With links resolved: a hub cache is full of them. */
function resolveWeightFile(folder: string, name: string): Promise<string> {
  return realpath(join(folder, name)).catch(() => {
    throw new IdiolectError('CHECKPOINT', `${join(folder, name)}, named in the index, is missing. Download it.`);
  });
}

/** A few kilobytes spread over the file: two fine-tunes of one base differ in them though their headers agree. */
async function contentProbe(entries: readonly TensorEntry[]): Promise<string> {
  const [first] = entries;
  if (!first) return '';
  const handle = await open(first.file, 'r');
  try {
    const samples: Buffer[] = [];
    for (const entry of entries) {
      const sample = Buffer.alloc(Math.min(entry.length, 256));
      await handle.read(sample, 0, sample.length, entry.offset + Math.floor((entry.length - sample.length) / 2));
      samples.push(sample);
    }
    return sha256(...samples);
  } finally {
    await handle.close();
  }
}

function commonFolder(files: readonly string[]): string {
  const [first, ...rest] = files.map(file => dirname(resolve(file)));
  let common = first!;
  for (const folder of rest) while (relative(common, folder).startsWith('..')) common = dirname(common);
  return common;
}

/** Every tensor the architecture reads, with its shape. */
export function* weightShapes(config: ModelConfig): Generator<[name: string, shape: readonly number[]]> {
  const { hiddenSize, vocabSize, headDim } = config;
  yield ['model.embed_tokens.weight', [vocabSize, hiddenSize]];
  if (!config.tiedHead) yield ['lm_head.weight', [vocabSize, hiddenSize]];
  yield ['model.norm.weight', [hiddenSize]];
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    yield [`${prefix}.input_layernorm.weight`, [hiddenSize]];
    yield [`${prefix}.post_attention_layernorm.weight`, [hiddenSize]];
    if (config.qkNorm) {
      yield [`${prefix}.self_attn.q_norm.weight`, [headDim]];
      yield [`${prefix}.self_attn.k_norm.weight`, [headDim]];
    }
  }
  for (const linear of linearModules(config)) {
    yield [`${linear.path}.weight`, [linear.outWidth, linear.inWidth]];
    if (linear.bias) yield [`${linear.path}.bias`, [linear.outWidth]];
  }
}

function check(folder: string, entry: TensorEntry | undefined, name: string, shape: readonly number[]): void {
  if (!entry) {
    throw new IdiolectError(
      'CHECKPOINT',
      `${folder}: tensor "${name}" of shape [${shape}] is missing. The files and config.json do not belong together.`,
    );
  }
  if (entry.shape.join() !== shape.join()) {
    throw new IdiolectError(
      'CHECKPOINT',
      `${entry.file}: tensor "${name}" has shape [${entry.shape}]; config.json asks for [${shape}].`,
    );
  }
  if (!FLOAT_TYPES.has(entry.dtype)) {
    throw new IdiolectError(
      'CHECKPOINT',
      `${entry.file}: tensor "${name}" is ${entry.dtype}; only F32, F16 and BF16 weights are supported.`,
    );
  }
}
