/** config.json of a Hugging Face checkpoint, read into the few facts the decoder graph depends on. */

import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { readInputJson } from '../common/input-file.ts';
import { printable } from '../common/printable.ts';
import { schemaIssue } from '../common/schema-issue.ts';
import { setting } from '../common/wording.ts';
import type { GeluForm } from '../graph/index.ts';
import { type RopeScaling, ropeScalingSchema, type WrittenRopeScaling } from './rope.ts';

export const SUPPORTED_TYPES = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
export type ModelType = (typeof SUPPORTED_TYPES)[number];

/** Lists are made of one entry a layer before the weight files are looked at. */
const MOST_LAYERS = 4096;

/** What the gate of a feed-forward block goes through. */
export type Activation = 'silu' | { readonly gelu: GeluForm };

/** By the names transformers has for them. */
const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', { gelu: 'exact' }],
  ['gelu_new', { gelu: 'tanh' }],
  ['gelu_pytorch_tanh', { gelu: 'tanh' }],
]);

export interface ModelConfig {
  readonly modelType: ModelType;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Width of one head; not always hiddenSize / heads. */
  readonly headDim: number;
  readonly activation: Activation;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  /** The output matrix is the embedding table. */
  readonly tiedHead: boolean;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMSNorm of each query and key head (Qwen3). */
  readonly qkNorm: boolean;
  /** Per layer, how many tokens back it looks, itself included; undefined: all. */
  readonly windows: readonly (number | undefined)[];
  /** Longest sequence the model was made for. */
  readonly maxPositions: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
}

/** Beyond any model there is; sizes up to here can be multiplied and kept exactly. */
const count = z
  .int()
  .positive()
  .max(2 ** 31 - 1);
// Old files write -1 for "none".
const tokenId = z.int().min(-1);

const rawSchema = z.object({
  model_type: z.string(),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default('silu'),
  // Both enter the graph as float32.
  rms_norm_eps: z.number().positive().max(1).default(1e-6),
  rope_theta: z.number().positive().max(1e30).nullish(),
  rope_scaling: ropeScalingSchema,
  // transformers 5 writes theta and scaling together under this name
  rope_parameters: ropeScalingSchema,
  partial_rotary_factor: z.number().nullish(),
  original_max_position_embeddings: count.optional(),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  max_position_embeddings: count.optional(),
  bos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  // Where it is not true, transformers lets every token see those after it.
  is_causal: z.literal(true, { error: 'only true is supported' }).optional(),
  quantization_config: z.unknown().optional(),
});

type RawConfig = z.infer<typeof rawSchema>;

/** What transformers' class for each type has where a key is absent. Where a key is null, it has other rules. */
const ABSENT: Readonly<
  Record<ModelType, { positions: number; kvHeads?: number; window?: number; bos?: number; eos?: number }>
> = {
  llama: { positions: 2048, bos: 1, eos: 2 },
  mistral: { positions: 131_072, kvHeads: 8, window: 4096, bos: 1, eos: 2 },
  qwen2: { positions: 32_768, kvHeads: 32, window: 4096 },
  qwen3: { positions: 32_768, kvHeads: 32, window: 4096 },
};

/** Keys that may be absent but that the class refuses as null, as there is no telling what is meant. */
const NOT_NULL: Readonly<Record<ModelType, readonly (keyof RawConfig)[]>> = {
  llama: ['attention_bias', 'mlp_bias'],
  mistral: ['num_key_value_heads'],
  qwen2: ['head_dim', 'use_sliding_window', 'max_window_layers'],
  qwen3: ['head_dim', 'attention_bias', 'use_sliding_window', 'max_window_layers'],
};

/** A key's value where it is there, null included, or else what the class has. */
const orAbsent = <T, U>(value: T | undefined, absent: U): T | U => (value === undefined ? absent : value);

/**
 * Reads and checks config.json.
 *
 * @throws IdiolectError MODEL naming the field that is missing, malformed or not supported
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const file = join(folder, 'config.json');
  const json = await readInputJson(file, { code: 'MODEL' }).catch(error => {
    const why = error instanceof IdiolectError ? error.message : `${file} cannot be read.`;
    throw new IdiolectError(
      'MODEL',
      `${why} ${setting('model')} needs a Hugging Face folder with config.json, model.safetensors and tokenizer.json.`,
      { cause: error },
    );
  });
  return parseModelConfig(json, file);
}

/** The same for a parsed config.json; `where` names it in errors. */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const type = (json as { model_type?: unknown } | null)?.model_type;
  const modelType = SUPPORTED_TYPES.find(known => known === type);
  if (!modelType) {
    throw new IdiolectError(
      'MODEL',
      `${where}: model_type ${JSON.stringify(type)} is not supported. Supported are ${SUPPORTED_TYPES.join(', ')}.`,
    );
  }
  const parsed = rawSchema.safeParse(json);
  if (!parsed.success) throw new IdiolectError('MODEL', `${where}: ${schemaIssue(parsed.error)}.`);
  return resolve(modelType, parsed.data, where);
}

function resolve(modelType: ModelType, raw: RawConfig, where: string): ModelConfig {
  const refuse = (what: string): never => {
    throw new IdiolectError('MODEL', `${where}: ${what}`);
  };
  if (raw.quantization_config != null) {
    refuse('the checkpoint is quantised (quantization_config). Use the F32, F16 or BF16 checkpoint it was made from.');
  }
  const activation = ACTIVATIONS.get(raw.hidden_act);
  if (activation === undefined) {
    const known = [...ACTIVATIONS.keys()].join(', ');
    return refuse(`hidden_act "${printable(raw.hidden_act)}" is not supported. Supported are ${known}.`);
  }
  if ((raw.partial_rotary_factor ?? 1) !== 1) refuse('partial_rotary_factor other than 1 is not supported.');

  const heads = raw.num_attention_heads;
  const absent = ABSENT[modelType];
  const maxPositions = raw.max_position_embeddings ?? absent.positions;
  for (const key of NOT_NULL[modelType])
    if (raw[key] === null) refuse(`"${key}" is null; leave it out or give a value.`);
  const kvHeads = orAbsent(raw.num_key_value_heads, absent.kvHeads) ?? heads;
  if (heads % kvHeads !== 0) {
    refuse(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}.`);
  }
  const headDim = raw.head_dim ?? (modelType === 'qwen3' ? 128 : raw.hidden_size / heads);
  if (modelType === 'llama' && raw.hidden_size % heads !== 0) {
    refuse(`hidden_size ${raw.hidden_size} is not a multiple of num_attention_heads ${heads}.`);
  }
  if (raw.num_hidden_layers > MOST_LAYERS) {
    refuse(`num_hidden_layers ${raw.num_hidden_layers} is beyond ${MOST_LAYERS}, which no model has.`);
  }
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    refuse(`head_dim ${headDim} is not an even whole number; hidden_size ${raw.hidden_size}, heads ${heads}.`);
  }
  // Where both are there, transformers takes the older key, its theta included.
  const scaling = raw.rope_scaling ?? raw.rope_parameters;
  const ropeTheta = scaling?.rope_theta ?? orAbsent(raw.rope_theta, 10_000);
  if (ropeTheta === null) return refuse('"rope_theta" is null; leave it out or give a value.');
  if (scaling?.rope_type === 'yarn' && ropeTheta === 1) refuse('rope_theta 1 leaves yarn nothing to stretch.');
  const list = (id: RawConfig['eos_token_id']) => (id == null ? [] : [id].flat().filter(each => each >= 0));
  return {
    modelType,
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    activation,
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta,
    ropeScaling: ropeScaling(scaling, raw.original_max_position_embeddings, maxPositions),
    tiedHead: raw.tie_word_embeddings,
    qkvBias: modelType === 'qwen2' || (modelType !== 'mistral' && raw.attention_bias === true),
    outputBias: (modelType === 'llama' || modelType === 'qwen3') && raw.attention_bias === true,
    mlpBias: modelType === 'llama' && raw.mlp_bias === true,
    qkNorm: modelType === 'qwen3',
    windows: windows(modelType, raw, refuse),
    maxPositions,
    bosTokenId: list(orAbsent(raw.bos_token_id, absent.bos))[0],
    eosTokenIds: list(orAbsent(raw.eos_token_id, absent.eos)),
  };
}

/** With the length before stretching: the key beside the scaling counts first, as in transformers. */
function ropeScaling(
  written: WrittenRopeScaling | undefined,
  beside: number | undefined,
  maxPositions: number,
): RopeScaling {
  if (written?.rope_type !== 'llama3' && written?.rope_type !== 'yarn') return written ?? { rope_type: 'default' };
  return {
    ...written,
    original_max_position_embeddings: beside ?? written.original_max_position_embeddings ?? maxPositions,
  };
}

/** Which layers look back a limited way: all of Mistral's, Qwen's from max_window_layers on when switched on. */
function windows(modelType: ModelType, raw: RawConfig, refuse: (what: string) => never): (number | undefined)[] {
  const { num_hidden_layers: layers, layer_types: types } = raw;
  const isQwen = modelType === 'qwen2' || modelType === 'qwen3';
  const isOff = modelType === 'llama' || (isQwen && raw.use_sliding_window !== true);
  const window = isOff ? undefined : (orAbsent(raw.sliding_window, ABSENT[modelType].window) ?? undefined);
  if (types) {
    if (types.length !== layers) refuse(`layer_types has ${types.length} entries for ${layers} layers.`);
    if (modelType === 'mistral') refuse('layer_types is not supported for mistral, all of whose layers are alike.');
    if (isQwen && window === undefined && types.includes('sliding_attention')) {
      refuse('layer_types has "sliding_attention", but sliding_window and use_sliding_window give no window.');
    }
  }
  const limited = (layer: number): boolean => {
    if (!isQwen) return true;
    return types ? types[layer] === 'sliding_attention' : layer >= (raw.max_window_layers ?? 28);
  };
  return Array.from({ length: layers }, (_, layer) => (limited(layer) ? window : undefined));
}
