import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { fitLogistic, logOdds, sigmoid } from './logistic-regression.ts';

interface Case {
  c: number;
  targets: number;
  rows: number[][];
  coefficients: number[];
  intercept: number;
  probabilities: number[];
}
const file = new URL('../../tests/fixtures/logistic_regression.json', import.meta.url);
const cases: Case[] = JSON.parse(await readFile(file, 'utf8'));

describe('logistic regression', () => {
  it.each(cases)('has scikit-learn’s optimum: C $c, $targets targets', ({ c, targets, rows, ...expected }) => {
    const features = rows.map(row => Float32Array.from(row));
    const model = fitLogistic(
      features,
      features.map((_, i) => i < targets),
      c,
    );
    // The recorded optimum is exact to 1e-9; the walk here ends at 1e-7 of the first gradient, which is at most 1e3.
    const close = (found: number, wanted: number) => expect(Math.abs(found - wanted)).toBeLessThan(1e-5);
    expected.coefficients.forEach((wanted, k) => void close(model.weights[k]!, wanted));
    close(model.intercept, expected.intercept);
    expected.probabilities.forEach((wanted, i) => void close(sigmoid(logOdds(model, features[i]!)), wanted));
  });

  it('finds the same optimum from another start', () => {
    const { rows, targets, c } = cases[0]!;
    const features = rows.map(row => Float32Array.from(row));
    const labels = features.map((_, i) => i < targets);
    const here = fitLogistic(features, labels, c);
    const there = fitLogistic(features, labels, c, { weights: Float64Array.of(9, -9, 9), intercept: -5 });
    here.weights.forEach((w, k) => void expect(there.weights[k]).toBeCloseTo(w, 6));
  });

  it.each([
    [20, 2000],
    [1000, 50],
  ])('comes to an end with %i rows of width %i and hardly any penalty', (n, width) => {
    const source = random(1, 'rows');
    const rows = Array.from({ length: n }, () => Float32Array.from({ length: width }, () => source.normal()));
    const labels = rows.map((_, i) => i % 2 === 0);
    const { weights, intercept } = fitLogistic(rows, labels, 100);
    // At the optimum the weights equal the weighted sum of residuals times rows: the gradient vanishes.
    const gradient = weights.slice();
    rows.forEach((row, i) => {
      const residual = 100 * (sigmoid(logOdds({ weights, intercept }, row)) - (labels[i] ? 1 : 0));
      row.forEach((x, k) => {
        gradient[k]! += residual * x;
      });
    });
    // The first gradient's norm is about 100 sqrt(n width) / 2, some 1e4; the walk ends at 1e-7 of it.
    expect(Math.hypot(...gradient)).toBeLessThan(2e-3);
  });

  it.each([
    ['no feature that varies', 160, 80, () => 0],
    ['the same rows on both sides', 160, 80, (i: number, k: number) => Math.sin(1 + (i % 80) * 7 + k)],
    ['sides of different sizes', 120, 20, (i: number, k: number) => Math.cos(1 + (i % 20) * 3 + k)],
  ])('ends at once where nothing tells the classes apart: %s', (_, n, targets, feature) => {
    let reads = 0;
    const rows = Array.from({ length: n }, (_, i) => {
      const row = Float32Array.from({ length: 8 }, (_, k) => feature(i, k));
      return new Proxy(row, {
        get(values, name) {
          if (name === '0') reads++;
          return Reflect.get(values, name);
        },
      });
    });
    const labels = rows.map((_, i) => i < targets);
    const { weights, intercept } = fitLogistic(rows, labels, 1);
    // The gradient starts at 0 but for rounding; the penalty makes F steep enough for the weights to be as near.
    for (const value of [...weights, intercept]) expect(Math.abs(value)).toBeLessThan(1e-10);
    // An evaluation reads each row twice.
    expect(reads / (2 * n)).toBeLessThan(5);
  });

  it('refuses one class and values that are not finite', () => {
    const rows = [Float32Array.of(1), Float32Array.of(2)];
    expect(() => fitLogistic(rows, [true, true], 1)).toThrow('2 of 2');
    expect(() => fitLogistic([rows[0]!, Float32Array.of(Number.NaN)], [true, false], 1)).toThrow('finite');
  });
});
