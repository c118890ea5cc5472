/** How sequences are packed: every token has one row and one place, and no row is spent on padding but the dummy. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tensor } from '../engine/tensor.ts';
import { ropeSource, ropeTables } from '../model/rope.ts';
import { packBatch, packRows, type TokenSequence } from './batch.ts';

const asked: number[] = [];
const rope = (rows: number) => {
  asked.push(rows);
  return ropeTables(Float64Array.of(1, 0.1), rows);
};
const integers = (tensor: Tensor | undefined) => Array.from(tensor!.data as BigInt64Array, Number);
const layout = (rows: readonly (readonly number[])[], starts?: readonly number[]) => {
  const { feeds, tokens } = packRows(rows, rope, starts);
  return {
    tokens,
    feeds,
    ids: integers(feeds.ids),
    positions: integers(feeds.positions),
    rowOfPlace: integers(feeds.row_of_place),
    placeOfRow: integers(feeds.place_of_row),
  };
};

const sequence: fc.Arbitrary<TokenSequence> = fc
  .array(fc.integer({ min: 1, max: 999 }), { minLength: 2, maxLength: 12 })
  .chain(ids => fc.integer({ min: 1, max: ids.length - 1 }).map(promptLength => ({ ids, promptLength })));
const sequences = fc.array(sequence, { minLength: 1, maxLength: 6 });

describe('packRows', () => {
  test('two lengths: one dummy at the first padded place', () => {
    const { tokens, ids, positions, rowOfPlace, placeOfRow, feeds } = layout([
      [7, 8, 9],
      [5, 6],
    ]);
    expect(tokens).toBe(6);
    expect(ids).toEqual([7, 8, 9, 5, 6, 0]);
    expect(positions).toEqual([0, 1, 2, 0, 1, 0]);
    expect(feeds.row_of_place!.dims).toEqual([2, 3]);
    expect(rowOfPlace).toEqual([0, 1, 2, 3, 4, 5]);
    expect(placeOfRow).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('one length: no dummy', () => {
    expect(layout([[7, 8]]).tokens).toBe(2);
    expect(layout([[7, 8], [5, 6]]).tokens).toBe(4); // biome-ignore format: one line a case
  });

  test('after a cache: positions continue, and the tables reach them', () => {
    asked.length = 0;
    const { positions, feeds } = layout([[4], [3, 2]], [9, 5]);
    expect(positions).toEqual([9, 5, 6, 0]);
    expect(asked).toEqual([11]);
    expect(feeds['rope.cos']!.dims).toEqual([11, 2]);
  });

  test('a dynamic rotation is right up to the longest sequence of the model, and refused beyond', () => {
    const rope = ropeSource({
      headDim: 4,
      ropeTheta: 10,
      ropeScaling: { rope_type: 'dynamic', factor: 2 },
      maxPositions: 4,
    });
    // many tokens, but each sequence is short enough
    expect(
      packRows(
        [
          [1, 2, 3, 4],
          [5, 6, 7],
        ],
        rope,
        [0, 1],
      ).tokens,
    ).toBe(8);
    for (const [rows, starts] of [
      [[[1, 2, 3, 4, 5]]],
      [
        [[1], [2, 3]],
        [3, 3],
      ],
    ] as const) {
      expect(() => packRows(rows, rope, starts)).toThrow(
        "a sequence of 5 tokens is longer than the model's max_position_embeddings, 4;",
      );
    }
  });

  test('rows and places are each other’s inverse; the dummy is there when and only when a place is padded', () => {
    fc.assert(
      fc.property(sequences, batch => {
        const rows = batch.map(({ ids }) => ids);
        const { tokens, ids, positions, rowOfPlace, placeOfRow, feeds } = layout(rows);
        const real = rows.flat();
        const length = Math.max(...rows.map(row => row.length));
        const padded = rows.some(row => row.length < length);
        expect(tokens).toBe(real.length + (padded ? 1 : 0));
        expect([ids.length, positions.length, placeOfRow.length]).toEqual([tokens, tokens, tokens]);
        expect(ids.slice(0, real.length)).toEqual(real);
        // every row, the dummy too, is found where it says it lies
        placeOfRow.forEach((place, row) => void expect(rowOfPlace[place]).toBe(row));
        rows.forEach((row, s) => {
          for (let t = 0; t < length; t++) {
            const found = rowOfPlace[s * length + t]!;
            if (t < row.length) expect([ids[found], positions[found]]).toEqual([row[t], t]);
            else expect(found).toBe(real.length);
          }
        });
        const [tableRows] = feeds['rope.cos']!.dims;
        expect(tableRows).toBeGreaterThanOrEqual(Math.max(tokens, length));
        for (const name of ['rope.sin', 'rope.minus_sin']) expect(feeds[name]!.dims).toEqual(feeds['rope.cos']!.dims);
      }),
    );
  });
});

describe('packBatch', () => {
  test('the last token is predicted, not run; rows before each completion token are selected', () => {
    const { feeds, ...rest } = packBatch(
      [
        { ids: [1, 2, 3, 4], promptLength: 2 },
        { ids: [5, 6], promptLength: 1 },
      ],
      rope,
    );
    expect(rest).toEqual({ sequences: 2, tokens: 5, completionLengths: [2, 1] });
    expect(integers(feeds.ids)).toEqual([1, 2, 3, 5, 0]);
    expect(integers(feeds.selected)).toEqual([1, 2, 3]);
    expect(integers(feeds.targets)).toEqual([3, 4, 6]);
    expect(feeds.membership!.dims).toEqual([2, 3]);
    expect([...(feeds.membership!.data as Float32Array)]).toEqual([1, 1, 0, 0, 0, 1]);
  });

  test('every completion token is a target once, from the row of the token before it, in its own sequence', () => {
    fc.assert(
      fc.property(sequences, batch => {
        const { feeds, completionLengths, sequences: count } = packBatch(batch, rope);
        const ids = integers(feeds.ids);
        const selected = integers(feeds.selected);
        const targets = integers(feeds.targets);
        const membership = feeds.membership!.data as Float32Array;
        expect(count).toBe(batch.length);
        expect(targets).toEqual(batch.flatMap(({ ids: own, promptLength }) => own.slice(promptLength)));
        expect(completionLengths).toEqual(batch.map(({ ids: own, promptLength }) => own.length - promptLength));
        let column = 0;
        let start = 0;
        batch.forEach(({ ids: own, promptLength }, s) => {
          for (let t = promptLength; t < own.length; t++, column++) {
            expect([selected[column], ids[selected[column]!]]).toEqual([start + t - 1, own[t - 1]]);
            const owners = batch.map((_, other) => membership[other * targets.length + column]);
            expect(owners).toEqual(batch.map((_, other) => (other === s ? 1 : 0)));
          }
          start += own.length - 1;
        });
        expect(column).toBe(targets.length);
      }),
    );
  });
});
