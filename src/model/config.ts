/** config.json of a Hugging Face checkpoint, read into the few facts the decoder graph depends on. */
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { readInputJson } from '../common/input-file.ts';
import { type RopeScaling, ropeScalingSchema } from './rope.ts';

export const SUPPORTED_TYPES = ['llama', 'mistral', 'qwen2', 'qwen3'] as const;
export type ModelType = (typeof SUPPORTED_TYPES)[number];

/** Lists are made of one entry a layer before the weight files are looked at. */
const MOST_LAYERS = 4096;

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
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  sliding_window: count.nullish(),
  use_sliding_window: z.boolean().nullish(),
  max_window_layers: z.int().nonnegative().nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  max_position_embeddings: count.default(2048),
  bos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  quantization_config: z.unknown().optional(),
});

type RawConfig = z.infer<typeof rawSchema>;

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
      `${why} --model needs a Hugging Face folder with config.json, model.safetensors and tokenizer.json.`,
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
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new IdiolectError('MODEL', `${where}: "${issue!.path.join('.')}": ${issue!.message}.`);
  }
  return resolve(modelType, parsed.data, where);
}

function resolve(modelType: ModelType, raw: RawConfig, where: string): ModelConfig {
  const refuse = (what: string): never => {
    throw new IdiolectError('MODEL', `${where}: ${what}`);
  };
  if (raw.quantization_config != null) {
    refuse('the checkpoint is quantised (quantization_config). Use the F32, F16 or BF16 checkpoint it was made from.');
  }
  if (raw.hidden_act !== 'silu') refuse(`hidden_act "${raw.hidden_act}" is not supported; only "silu" is.`);
  if ((raw.partial_rotary_factor ?? 1) !== 1) refuse('partial_rotary_factor other than 1 is not supported.');

  const heads = raw.num_attention_heads;
  const kvHeads = raw.num_key_value_heads ?? (modelType === 'mistral' ? 8 : heads);
  if (heads % kvHeads !== 0) {
    refuse(`num_attention_heads ${heads} is not a multiple of num_key_value_heads ${kvHeads}.`);
  }
  const headDim = raw.head_dim ?? (modelType === 'qwen3' ? 128 : raw.hidden_size / heads);
  if (raw.num_hidden_layers > MOST_LAYERS) {
    refuse(`num_hidden_layers ${raw.num_hidden_layers} is beyond ${MOST_LAYERS}, which no model has.`);
  }
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    refuse(`head_dim ${headDim} is not an even whole number; hidden_size ${raw.hidden_size}, heads ${heads}.`);
  }
  // Where both are there, transformers takes the older key, its theta included.
  const scaling = raw.rope_scaling ?? raw.rope_parameters;
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
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta: scaling?.rope_theta ?? raw.rope_theta ?? 10_000,
    ropeScaling: scaling ?? { rope_type: 'default' },
    tiedHead: raw.tie_word_embeddings,
    qkvBias: modelType === 'qwen2' || (modelType !== 'mistral' && raw.attention_bias === true),
    outputBias: (modelType === 'llama' || modelType === 'qwen3') && raw.attention_bias === true,
    mlpBias: modelType === 'llama' && raw.mlp_bias === true,
    qkNorm: modelType === 'qwen3',
    windows: windows(modelType, raw),
    maxPositions: raw.max_position_embeddings,
    bosTokenId: list(raw.bos_token_id)[0],
    eosTokenIds: list(raw.eos_token_id),
  };
}

/** Which layers look back a limited way: all of Mistral's, Qwen's from max_window_layers on when switched on. */
function windows(modelType: ModelType, raw: RawConfig): (number | undefined)[] {
  // Where the key is absent transformers means 4096 for Mistral; null means no window.
  const absent = modelType === 'mistral' ? 4096 : undefined;
  const window = raw.sliding_window === undefined ? absent : (raw.sliding_window ?? undefined);
  const qwen = modelType === 'qwen2' || modelType === 'qwen3';
  const limited = (layer: number): boolean => {
    if (modelType === 'llama' || (qwen && raw.use_sliding_window !== true)) return false;
    if (raw.layer_types) return raw.layer_types[layer] === 'sliding_attention';
    return qwen ? layer >= (raw.max_window_layers ?? 28) : true;
  };
  return Array.from({ length: raw.num_hidden_layers }, (_, layer) => (limited(layer) ? window : undefined));
}
