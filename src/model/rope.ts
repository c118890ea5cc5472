/** Rotation angles of rotary position embeddings, with the scalings checkpoints ask for. */
import { z } from 'zod';

// The tables are float32.
const positive = z.number().positive().max(1e30);
const nonnegative = z.number().nonnegative().max(1e30);

const rope_theta = positive.optional();
// Refused rather than left out: the linear and YaRN scalings of transformers heed it.
const partial_rotary_factor = z.literal(1, { error: 'only 1 is supported' }).optional();
const shared = { rope_theta, partial_rotary_factor };

/** The older key `type` and the newer `rope_type` mean the same. Keys that a type has no use for are ignored. */
export const ropeScalingSchema = z.preprocess(
  value => {
    // null and {} are how a file says "none"
    if (value == null) return undefined;
    if (typeof value !== 'object') return value;
    if (Object.keys(value).length === 0) return undefined;
    const { type, ...rest } = value as Record<string, unknown>;
    return { ...rest, rope_type: rest.rope_type ?? type ?? 'default' };
  },
  z
    .discriminatedUnion(
      'rope_type',
      [
        z.object({ rope_type: z.literal('default'), ...shared }),
        z.object({ rope_type: z.literal('linear'), factor: positive, ...shared }),
        z.object({ rope_type: z.literal('dynamic'), factor: positive, ...shared }),
        z.object({
          rope_type: z.literal('llama3'),
          factor: positive,
          low_freq_factor: positive,
          high_freq_factor: positive,
          original_max_position_embeddings: positive.optional(),
          ...shared,
        }),
        z.object({
          rope_type: z.literal('yarn'),
          factor: positive,
          original_max_position_embeddings: positive.optional(),
          attention_factor: positive.nullish(),
          beta_fast: nonnegative.nullish(),
          beta_slow: nonnegative.nullish(),
          mscale: nonnegative.nullish(),
          mscale_all_dim: nonnegative.nullish(),
          truncate: z.boolean().default(true),
          ...shared,
        }),
      ],
      {
        error: ({ input }) => {
          const type = (input as { rope_type?: unknown } | null | undefined)?.rope_type;
          return `rope type ${JSON.stringify(type)} is not supported; only default, linear, dynamic, llama3 and yarn are`;
        },
      },
    )
    .optional(),
);

export type WrittenRopeScaling = NonNullable<z.infer<typeof ropeScalingSchema>>;

/** The types that know the length the model had before it was stretched. */
type Stretched = Extract<WrittenRopeScaling, { original_max_position_embeddings?: number | undefined }>;

export type RopeScaling =
  | Exclude<WrittenRopeScaling, Stretched>
  | (Stretched & { readonly original_max_position_embeddings: number });

/** What the rotation of a model depends on. */
export interface Rotation {
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  readonly maxPositions: number;
}

/**
 * Radians per position of each pair of a head, [headDim / 2]: theta^(-2i / headDim), scaled.
 *
 * `linear` divides all by the factor. `dynamic` leaves them as they are up to the model's longest sequence. `llama3`
 * (Llama 3.1) divides those whose wavelength is beyond original_max_position_embeddings / low_freq_factor, keeps those
 * below original / high_freq_factor, and blends between. `yarn` (Peng et al. 2023) blends by the number of the pair,
 * between the two pairs that turn beta_fast and beta_slow times in the original length.
 */
export function inverseFrequencies(headDim: number, theta: number, scaling: RopeScaling): Float64Array {
  const ramp = scaling.rope_type === 'yarn' ? yarnRamp(headDim, theta, scaling) : () => 0;
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = theta ** ((-2 * i) / headDim);
    switch (scaling.rope_type) {
      case 'default':
      case 'dynamic':
        return frequency;
      case 'linear':
        return frequency / scaling.factor;
      case 'llama3': {
        const turns = (scaling.original_max_position_embeddings * frequency) / (2 * Math.PI);
        const { low_freq_factor: low, high_freq_factor: high, factor } = scaling;
        if (turns < low) return frequency / factor;
        if (turns > high) return frequency;
        const blend = (turns - low) / (high - low);
        return ((1 - blend) * frequency) / factor + blend * frequency;
      }
      case 'yarn': {
        const stretched = ramp(i);
        return (stretched * frequency) / scaling.factor + (1 - stretched) * frequency;
      }
      default:
        return scaling satisfies never;
    }
  });
}

type Yarn = Extract<RopeScaling, { rope_type: 'yarn' }>;

/** How far each pair is stretched, from 0 (turns fast, kept) to 1 (turns slowly, divided by the factor). */
function yarnRamp(headDim: number, theta: number, scaling: Yarn): (pair: number) => number {
  const { original_max_position_embeddings: original, truncate } = scaling;
  // The number of the pair that turns so often within the original length, from theta^(-2i / headDim).
  const pairOf = (turns: number) => (headDim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const fast = pairOf(scaling.beta_fast || 32);
  const slow = pairOf(scaling.beta_slow || 1);
  const from = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const to = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = from === to ? 0.001 : to - from; // transformers' width of a ramp that would have none
  return pair => Math.min(Math.max((pair - from) / width, 0), 1);
}

/** What cosines and sines are multiplied by: 1 but for `yarn`, which sharpens attention as it stretches. */
export function rotationScale(scaling: RopeScaling): number {
  if (scaling.rope_type !== 'yarn') return 1;
  const { attention_factor: given, factor, mscale, mscale_all_dim: all } = scaling;
  if (given != null) return given;
  const sharpening = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  return mscale && all ? sharpening(mscale) / sharpening(all) : sharpening(1);
}

export interface RopeTables {
  readonly rows: number;
  /** [rows, headDim / 2] each, one row a position. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly minusSin: Float32Array;
  /** Longest sequence they are right for, where there is a limit. */
  readonly longest?: number;
}

/** Cosines and sines for positions 0 .. rows-1, times `scale`. */
export function ropeTables(frequencies: Float64Array, rows: number, scale = 1): RopeTables {
  const half = frequencies.length;
  const cos = new Float32Array(rows * half);
  const sin = new Float32Array(rows * half);
  const minusSin = new Float32Array(rows * half);
  for (let position = 0; position < rows; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      const at = position * half + i;
      cos[at] = scale * Math.cos(angle);
      sin[at] = scale * Math.sin(angle);
      minusSin[at] = -sin[at]!;
    }
  }
  return { rows, cos, sin, minusSin };
}

/** Gives tables of at least this many rows; kept between batches, and doubled when outgrown. */
export type RopeSource = (rows: number) => RopeTables;

export function ropeSource(rotation: Rotation): RopeSource {
  const { ropeScaling, maxPositions } = rotation;
  const frequencies = inverseFrequencies(rotation.headDim, rotation.ropeTheta, ropeScaling);
  const limit = ropeScaling.rope_type === 'dynamic' ? { longest: maxPositions } : {};
  const make = (rows: number): RopeTables => ({
    ...ropeTables(frequencies, rows, rotationScale(ropeScaling)),
    ...limit,
  });
  let tables = make(512);
  return rows => {
    if (rows > tables.rows) tables = make(2 ** Math.ceil(Math.log2(rows)));
    return tables;
  };
}
