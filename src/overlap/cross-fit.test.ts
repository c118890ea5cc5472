import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { areaUnderCurve, crossFit } from './cross-fit.ts';

const OPTIONS = { folds: 5, repeats: 3, penalties: [0.01, 1] };
const SOURCE = { seed: 1, label: 'test' };

function draw(n: number, width: number, shift: number, label: string): Float32Array[] {
  const source = random(1, label);
  return Array.from({ length: n }, () => Float32Array.from({ length: width }, () => source.normal() + shift));
}

describe('out-of-fold scores', () => {
  it('tell nothing apart where there is nothing, however wide the features', () => {
    const areas = Array.from({ length: 10 }, (_, i) =>
      areaUnderCurve(
        crossFit({ target: draw(20, 500, 0, `own ${i}`), auxiliary: draw(30, 500, 0, `others ${i}`) }, OPTIONS, SOURCE),
      ),
    );
    // In-sample scores would all be 1 here. The mean of ten areas has a standard error of about 0.085 / sqrt(10) = 0.027.
    expect(Math.abs(areas.reduce((a, b) => a + b) / 10 - 0.5)).toBeLessThan(0.1);
  });

  it('tell shifted samples apart, whatever the scale and place of a feature', () => {
    const scaled = (rows: Float32Array[]) => rows.map(row => row.map((x, k) => x * 10 ** (k - 2) + 50 * k));
    const target = draw(40, 4, 1, 'own');
    const auxiliary = draw(60, 4, -1, 'others');
    const plain = crossFit({ target, auxiliary }, OPTIONS, SOURCE);
    const moved = crossFit({ target: scaled(target), auxiliary: scaled(auxiliary) }, OPTIONS, SOURCE);
    expect(areaUnderCurve(plain)).toBeGreaterThan(0.95);
    // float32 features near 150 keep 5 digits of the part that varies.
    plain.target.forEach((p, i) => void expect(moved.target[i]).toBeCloseTo(p, 2));
  });

  it('never scores a record by a model that saw its copy', () => {
    // Rows that occur twice each, with no other pattern: a model that saw the copy would know the side.
    const twice = (rows: Float32Array[]) => rows.flatMap(row => [row, row]);
    const names = (side: string) => Array.from({ length: 60 }, (_, i) => `${side} ${i >> 1}`);
    const rows = { target: twice(draw(30, 300, 0, 'own')), auxiliary: twice(draw(30, 300, 0, 'others')) };
    const keys = { target: names('own'), auxiliary: names('others') };
    expect(areaUnderCurve(crossFit(rows, OPTIONS, SOURCE))).toBeGreaterThan(0.9);
    expect(areaUnderCurve(crossFit(rows, OPTIONS, SOURCE, keys))).toBeLessThan(0.7);
  });

  it('put a text that stands on both sides in one fold, with one score', () => {
    const rows = draw(20, 8, 0, 'shared');
    const keys = rows.map((_, i) => `text ${i}`);
    const scores = crossFit({ target: rows, auxiliary: rows }, OPTIONS, SOURCE, { target: keys, auxiliary: keys });
    expect([...scores.target]).toEqual([...scores.auxiliary]);
    expect(areaUnderCurve(scores)).toBe(0.5);
  });

  it.each([
    [20, 20],
    [20, 100],
    [37, 61],
  ])('are one for all records of equal features, on both sides: %i own, %i others', (own, others) => {
    const [text, other] = draw(2, 6, 0, 'texts') as [Float32Array, Float32Array];
    const side = (n: number) => Array.from({ length: n }, (_, i) => (i % 4 === 0 ? other : text).slice());
    const scores = crossFit({ target: side(own), auxiliary: side(others) }, OPTIONS, SOURCE);
    expect(new Set([...scores.target, ...scores.auxiliary]).size).toBe(2);
  });

  it('tie where no feature of a record was seen in training, and rounding alone could order them', () => {
    // Every record has a feature of its own, so that all of it is a constant to the models that score it.
    const rows = Array.from({ length: 40 }, (_, i) => Float32Array.from({ length: 40 }, (_, k) => (k === i ? 1 : 0)));
    const scores = crossFit({ target: rows.slice(0, 20), auxiliary: rows.slice(20) }, OPTIONS, SOURCE);
    expect(areaUnderCurve(scores)).toBe(0.5);
  });

  it('repeat exactly, and change with the seed', () => {
    const rows = { target: draw(12, 5, 0.5, 'own'), auxiliary: draw(18, 5, 0, 'others') };
    expect(crossFit(rows, OPTIONS, SOURCE)).toEqual(crossFit(rows, OPTIONS, SOURCE));
    expect(crossFit(rows, OPTIONS, { ...SOURCE, seed: 2 })).not.toEqual(crossFit(rows, OPTIONS, SOURCE));
  });

  it('refuse a side with one record, and features of two widths', () => {
    const rows = draw(5, 3, 0, 'own');
    expect(() => crossFit({ target: rows.slice(0, 1), auxiliary: rows }, OPTIONS, SOURCE)).toThrow('1 of the target');
    expect(() => crossFit({ target: rows, auxiliary: draw(5, 4, 0, 'x') }, OPTIONS, SOURCE)).toThrow('one width');
  });
});

describe('area under the curve', () => {
  it('is the share of pairs in order, ties half', () => {
    // Pairs of (target, auxiliary): 0.9 wins 3; 0.5 wins 1, ties 1, loses 1.
    const scores = { target: Float64Array.of(0.5, 0.9), auxiliary: Float64Array.of(0.6, 0.5, 0.1) };
    expect(areaUnderCurve(scores)).toBe((3 + 1.5) / 6);
  });
});
