/** Choosing tokens: greedy, by temperature, from the nucleus, and the same again from the same seed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../common/random.ts';
import { argmax, sampleToken, samplingSchema } from './sampler.ts';

const logits = Float32Array.of(0.2, 2.1, -1, 1.3, 2.1, 0);

function softmax(values: Float32Array, temperature: number): number[] {
  const weights = [...values].map(value => Math.exp(value / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => weight / total);
}

function shares(values: Float32Array, options: { temperature: number; topP: number }, draws = 20_000): number[] {
  const source = random(11);
  const counts = new Array<number>(values.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampleToken(values, options, source)]! += 1 / draws;
  return counts;
}

/** Five standard errors of a share found in 20,000 draws; the draws are seeded, so this never flickers. */
const margin = (p: number) => 5 * Math.sqrt((p * (1 - p)) / 20_000) + 1e-12;

test('the defaults are greedy', () => {
  expect(samplingSchema.parse({})).toEqual({ temperature: 0, topP: 1 });
  expect(() => samplingSchema.parse({ topP: 0 })).toThrow();
});

test('greedy: the most likely token, the first of equals, without a draw', () => {
  expect(argmax(logits)).toBe(1);
  const source = random(1);
  expect(sampleToken(logits, { temperature: 0, topP: 0.5 }, source)).toBe(1);
  expect(source.bits()).toBe(random(1).bits());
});

describe('temperature', () => {
  test.each([0.5, 1, 2])('%d: shares are the softmax of logits / temperature', temperature => {
    const found = shares(logits, { temperature, topP: 1 });
    softmax(logits, temperature).forEach((p, i) => void expect(Math.abs(found[i]! - p)).toBeLessThan(margin(p)));
  });

  test('near zero it is greedy; huge logits do not overflow; what is impossible never comes', () => {
    const impossible = Float32Array.of(Number.NEGATIVE_INFINITY, 80_000, 79_999, Number.NEGATIVE_INFINITY);
    expect(shares(impossible, { temperature: 1e-3, topP: 1 }, 500)[1]).toBeCloseTo(1);
    const found = shares(impossible, { temperature: 1, topP: 1 });
    expect([found[0], found[3]]).toEqual([0, 0]);
    expect(Math.abs(found[2]! - 1 / (1 + Math.E))).toBeLessThan(margin(0.27));
  });
});

describe('top-p', () => {
  test('the nucleus is the smallest set with that mass, its shares scaled up', () => {
    const p = softmax(logits, 1); // the largest four: .357, .357, .160, .053
    const found = shares(logits, { temperature: 1, topP: 0.8 });
    const mass = p[1]! + p[4]! + p[3]!;
    expect(p[1]! + p[4]!).toBeLessThan(0.8);
    for (const i of [1, 3, 4]) expect(Math.abs(found[i]! - p[i]! / mass)).toBeLessThan(margin(p[i]! / mass));
    for (const i of [0, 2, 5]) expect(found[i]).toBe(0);
  });

  test('a tiny top-p is greedy', () => {
    expect(shares(logits, { temperature: 1, topP: 1e-9 }, 200)[1]).toBeCloseTo(1);
  });

  test('no token outside the nucleus, whatever the logits', () => {
    const values = fc.float32Array({ minLength: 1, maxLength: 20, min: -20, max: 20, noNaN: true });
    const topP = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, topP, fc.integer(), (drawn, share, seed) => {
        const own = Float32Array.from(drawn);
        const token = sampleToken(own, { temperature: 1, topP: share }, random(seed));
        const p = softmax(own, 1);
        // A token is in the nucleus when those more likely than it do not reach the mass by themselves. Logits that are
        // equal but for rounding are a tie, and a tie may go either way.
        const before = p.filter(other => other > p[token]! * (1 + 1e-12)).reduce((a, b) => a + b, 0);
        expect(before).toBeLessThan(share + 1e-12);
      }),
    );
  });
});

test('the same seed draws the same tokens', () => {
  const draw = (seed: number) => {
    const source = random(seed, 'sample');
    return Array.from({ length: 50 }, () => sampleToken(logits, { temperature: 1, topP: 0.9 }, source));
  };
  expect(draw(3)).toEqual(draw(3));
  expect(draw(4)).not.toEqual(draw(3));
});
