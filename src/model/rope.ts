/** Rotation angles of rotary position embeddings, with the scalings checkpoints ask for. */
import { z } from 'zod';

// The tables are float32.
const positive = z.number().positive().max(1e30);

/** The older key `type` and the newer `rope_type` mean the same. Extra keys (theta) ride along. */
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
        z.object({ rope_type: z.literal('default'), rope_theta: positive.optional() }),
        z.object({ rope_type: z.literal('linear'), factor: positive, rope_theta: positive.optional() }),
        z.object({
          rope_type: z.literal('llama3'),
          factor: positive,
          low_freq_factor: positive,
          high_freq_factor: positive,
          original_max_position_embeddings: positive,
          rope_theta: positive.optional(),
        }),
      ],
      {
        error: ({ input }) => {
          const type = (input as { rope_type?: unknown } | null | undefined)?.rope_type;
          return `rope type ${JSON.stringify(type)} is not supported; only default, linear and llama3 are`;
        },
      },
    )
    .optional(),
);

export type RopeScaling = NonNullable<z.infer<typeof ropeScalingSchema>>;

/**
 * Radians per position of each pair of a head, [headDim / 2]: theta^(-2i / headDim), scaled.
 *
 * `linear` divides all by the factor. `llama3` (Llama 3.1) divides those whose wavelength is beyond
 * original_max_position_embeddings / low_freq_factor, keeps those below original / high_freq_factor, and blends
 * between.
 */
export function inverseFrequencies(headDim: number, theta: number, scaling: RopeScaling): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = theta ** ((-2 * i) / headDim);
    switch (scaling.rope_type) {
      case 'default':
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
      default:
        return scaling satisfies never;
    }
  });
}

export interface RopeTables {
  readonly rows: number;
  /** [rows, headDim / 2] each, one row a position. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  readonly minusSin: Float32Array;
}

/** Cosines and sines for positions 0 .. rows-1. */
export function ropeTables(frequencies: Float64Array, rows: number): RopeTables {
  const half = frequencies.length;
  const cos = new Float32Array(rows * half);
  const sin = new Float32Array(rows * half);
  const minusSin = new Float32Array(rows * half);
  for (let position = 0; position < rows; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * frequencies[i]!;
      const at = position * half + i;
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
      minusSin[at] = -sin[at]!;
    }
  }
  return { rows, cos, sin, minusSin };
}

/** Gives tables of at least this many rows; kept between batches, and doubled when outgrown. */
export type RopeSource = (rows: number) => RopeTables;

export function ropeSource(config: { headDim: number; ropeTheta: number; ropeScaling: RopeScaling }): RopeSource {
  const frequencies = inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
  let tables = ropeTables(frequencies, 512);
  return rows => {
    if (rows > tables.rows) tables = ropeTables(frequencies, 2 ** Math.ceil(Math.log2(rows)));
    return tables;
  };
}
