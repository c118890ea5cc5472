/** Rotation angles against their formulas and against transformers. */
import { describe, expect, test } from 'vitest';
import { inverseFrequencies, type RopeScaling, ropeScalingSchema, ropeTables } from './rope.ts';

describe('inverseFrequencies', () => {
  test('default: theta^(-2i / headDim)', () => {
    expect([...inverseFrequencies(8, 10_000, { rope_type: 'default' })]).toEqual([1, 0.1, 0.01, 0.001]);
  });

  test('linear: all divided by the factor', () => {
    const scaled = inverseFrequencies(8, 10_000, { rope_type: 'linear', factor: 4 });
    expect([...scaled]).toEqual([0.25, 0.025, 0.0025, 0.00025]);
  });

  test('llama3: as transformers 5.23 has them for Llama 3.1 8B', () => {
    const scaling: RopeScaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const found = inverseFrequencies(128, 500_000, scaling);
    // _compute_llama3_parameters, in float32: kept up to 28, blended from 29 to 34, divided by 8 from 35 on
    const recorded: Record<number, number> = {
      0: 1,
      1: 0.8146172165870667,
      28: 0.0032114461064338684,
      29: 0.0021665706299245358,
      32: 0.0005248460220173001,
      35: 9.556212171446532e-5,
      36: 7.784655463183299e-5,
      40: 3.428102354519069e-5,
      63: 3.068925877869333e-7,
    };
    for (const [i, value] of Object.entries(recorded)) {
      // a few steps of float32, from the powers transformers takes in it
      expect(Math.abs(found[Number(i)]! / value - 1), `frequency ${i}`).toBeLessThan(1e-6);
    }
  });

  test('llama3: the blend meets both ends', () => {
    const ends = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 } as const;
    const at = (turns: number) =>
      // a single pair turns once per position times 1 / (2 pi): its frequency is 1
      inverseFrequencies(2, 10_000, { ...ends, original_max_position_embeddings: turns * 2 * Math.PI })[0]!;
    expect([at(0.99), at(1), at(4), at(5)].map(value => Number(value.toFixed(9)))).toEqual([0.125, 0.125, 1, 1]);
    expect(at(2.5)).toBeCloseTo((0.125 + 1) / 2, 9);
  });
});

test('the older key `type` and the newer one are one; none is the default', () => {
  const parse = (value: unknown) => ropeScalingSchema.parse(value);
  expect(parse({ type: 'linear', factor: 2 })).toEqual({ rope_type: 'linear', factor: 2 });
  expect(parse({ rope_type: 'linear', type: 'linear', factor: 2 })).toEqual({ rope_type: 'linear', factor: 2 });
  expect(parse({ rope_theta: 5 })).toEqual({ rope_type: 'default', rope_theta: 5 });
});

test('ropeTables: one row a position, exact far out', () => {
  const frequencies = inverseFrequencies(4, 10_000, { rope_type: 'default' });
  const { rows, cos, sin, minusSin } = ropeTables(frequencies, 100_001);
  expect([rows, cos.length]).toEqual([100_001, 200_002]);
  expect([...cos.subarray(0, 2), ...sin.subarray(0, 2)]).toEqual([1, 1, 0, 0]);
  for (const position of [1, 7, 100_000]) {
    frequencies.forEach((frequency, i) => {
      const at = position * 2 + i;
      expect(cos[at]).toBe(Math.fround(Math.cos(position * frequency)));
      expect(sin[at]).toBe(Math.fround(Math.sin(position * frequency)));
      expect(minusSin[at]).toBe(-sin[at]!);
    });
  }
});
