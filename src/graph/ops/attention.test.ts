/** Causal grouped-query attention over packed sequences, against one sequence and one head at a time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, type NdArray, softmaxOf, sum, tabulate } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator, expectClose, tensor } from '../../../tests/support/gradient.ts';
import { packedLayout } from '../../../tests/support/layout.ts';
import { anySeed, forAll, size } from '../../../tests/support/property.ts';
import { floats, int64 } from '../../engine/tensor.ts';
import type { Graph, Value } from '../graph.ts';
import { attention, type Layout } from './attention.ts';
import { gather } from './movement.ts';

interface Case {
  readonly lengths: readonly number[];
  readonly group: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window?: number;
}

/** Rows of real tokens only, [sum of lengths, heads*headDim]. */
function reference(q: NdArray, k: NdArray, v: NdArray, { lengths, group, kvHeads, headDim, window }: Case): NdArray {
  const element = (x: NdArray, row: number, head: number, i: number) => x.data[row * x.shape[1]! + head * headDim + i]!;
  const firstOf = lengths.flatMap((length, s) =>
    new Array<number>(length).fill(lengths.slice(0, s).reduce((a, b) => a + b, 0)),
  );
  return tabulate([firstOf.length, group * kvHeads * headDim], ([row, column]) => {
    const head = Math.floor(column! / headDim);
    const kvHead = Math.floor(head / group);
    const first = Math.max(firstOf[row!]!, window === undefined ? 0 : row! - window + 1);
    const visible = Array.from({ length: row! - first + 1 }, (_, j) => first + j);
    const scores = visible.map(
      other => sum(headDim, i => element(q, row!, head, i) * element(k, other, kvHead, i)) / Math.sqrt(headDim),
    );
    const shares = softmaxOf(scores);
    return sum(visible.length, j => shares[j]! * element(v, visible[j]!, kvHead, column! % headDim));
  });
}

const cases = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
  group: fc.integer({ min: 1, max: 3 }),
  kvHeads: fc.integer({ min: 1, max: 2 }),
  headDim: fc.constantFrom(1, 2, 3),
  window: fc.option(size, { nil: undefined }),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('packed sequences do not see each other, the future, or the padding', async () => {
  await forAll(
    cases,
    async sample => {
      const { lengths, group, kvHeads, headDim, window, symbolic, seed } = sample;
      const { tokens, rowOfPlace, placeOfRow } = packedLayout(lengths);
      const real = lengths.reduce((a, b) => a + b, 0);
      const [width, kvWidth] = [group * kvHeads * headDim, kvHeads * headDim];
      await checkOperator({
        inputs: {
          q: draw([tokens, width], seed),
          k: draw([tokens, kvWidth], seed + 1),
          v: draw([tokens, kvWidth], seed + 2),
        },
        constants: {
          rowOfPlace,
          placeOfRow,
          real: int64(Array.from({ length: real }, (_, row) => row)),
        },
        declared: symbolic
          ? {
              q: ['tokens', width],
              k: ['tokens', kvWidth],
              v: ['tokens', kvWidth],
              rowOfPlace: ['sequences', 'length'],
              placeOfRow: ['tokens'],
              real: ['real'],
            }
          : undefined,
        build: (g, { q, k, v, rowOfPlace: rows, placeOfRow: places, real: kept }) => {
          const layout = { rowOfPlace: rows!, placeOfRow: places! };
          const heads = group * kvHeads;
          // Nothing that is asked for reads the dummy row, as in a batch: the dummy's own gradient must come out 0.
          return gather(g, attention(g, q!, k!, v!, layout, { heads, kvHeads, headDim, window }), kept!);
        },
        reference: ({ q, k, v }) => reference(q!, k!, v!, sample),
      });
    },
    30,
  );
});

const layoutInputs = (g: Graph): Layout => ({
  rowOfPlace: g.input('row_of_place', 'int64', ['sequences', 'length']),
  placeOfRow: g.input('place_of_row', 'int64', ['tokens']),
});

test.each([undefined, 2])(
  'a cache of earlier keys and values, each sequence its own count, window %s',
  async window => {
    const [heads, kvHeads, headDim, capacity] = [4, 2, 2, 4];
    const group = heads / kvHeads;
    // One that holds some, one that is new, one that fills the room, with new tokens of other counts still.
    const held = [3, 0, 4];
    const fresh = [1, 3, 2];
    const cases = held.map((past, s) => {
      const rows = (name: string, width: number) => draw([past + fresh[s]!, width], name.length + 10 * s);
      return {
        past,
        q: rows('q', heads * headDim),
        k: rows('key', kvHeads * headDim),
        v: rows('value', kvHeads * headDim),
      };
    });
    const { tokens, rowOfPlace, placeOfRow } = packedLayout(fresh);
    type Part = 'q' | 'k' | 'v';
    const news = (part: Part) => {
      const width = cases[0]![part].shape[1]!;
      const data = cases.flatMap(one => [...one[part].data.slice(one.past * width)]);
      return tensor({
        shape: [tokens, width],
        data: Float64Array.from([...data, ...new Array<number>(width).fill(9)]),
      });
    };
    // The cache lies as [sequences, kvHeads, capacity, headDim]; what is beyond a sequence's own must not be seen.
    const cached = (part: Part) =>
      tensor(
        tabulate([held.length, kvHeads, capacity, headDim], ([s, head, t, i]) =>
          t! < held[s!]! ? cases[s!]![part].data[(t! * kvHeads + head!) * headDim + i!]! : 7,
        ),
      );
    const results = await evaluateBuilt(
      g => {
        const input = (name: string, count: number) => g.input(name, 'float32', ['tokens', count * headDim]);
        const cacheInput = (name: string) => g.input(name, 'float32', ['sequences', kvHeads, 'capacity', headDim]);
        const handed: Record<string, Value> = {};
        const y = attention(g, input('q', heads), input('k', kvHeads), input('v', kvHeads), layoutInputs(g), {
          heads,
          kvHeads,
          headDim,
          window,
          cache: {
            keys: cacheInput('past keys'),
            values: cacheInput('past values'),
            lengths: g.input('lengths', 'int64', ['sequences']),
            onUpdate: (keys, values) => void Object.assign(handed, { keys, values }),
          },
        });
        return { y, ...handed };
      },
      {
        q: news('q'),
        k: news('k'),
        v: news('v'),
        'past keys': cached('k'),
        'past values': cached('v'),
        lengths: int64(held),
        row_of_place: rowOfPlace,
        place_of_row: placeOfRow,
      },
    );
    const expected = cases.flatMap(({ past, q, k, v }, s) => {
      const whole = reference(q, k, v, { lengths: [past + fresh[s]!], group, kvHeads, headDim, window });
      return [...whole.data.slice(past * heads * headDim)];
    });
    expectClose('y', floats(results.y!).subarray(0, expected.length), Float64Array.from(expected));
    // New ones only, at their places from the left: [sequences, kvHeads, length, headDim].
    for (const part of ['keys', 'values'] as const) {
      expect(results[part]!.dims).toEqual([3, kvHeads, 3, headDim]);
      const found = floats(results[part]!);
      cases.forEach((one, s) => {
        const whole = one[part === 'keys' ? 'k' : 'v'].data;
        for (let head = 0; head < kvHeads; head++) {
          const at = (s * kvHeads + head) * 3 * headDim;
          const wanted = Array.from({ length: fresh[s]! * headDim }, (_, e) => {
            const [t, i] = [Math.floor(e / headDim), e % headDim];
            return Math.fround(whole[((one.past + t) * kvHeads + head) * headDim + i]!);
          });
          expect([...found.subarray(at, at + wanted.length)]).toEqual(wanted);
        }
      });
    }
  },
);

test('layers of different head counts and windows share one layout', async () => {
  const lengths = [3, 2];
  const { tokens, rowOfPlace, placeOfRow } = packedLayout(lengths);
  const headDim = 2;
  const layers = [
    { kvHeads: 2, group: 2 },
    { kvHeads: 1, group: 2 },
    { kvHeads: 1, group: 2, window: 2 },
    { kvHeads: 1, group: 1, window: 1 },
  ].map((layer, i) => ({
    ...layer,
    q: draw([tokens, layer.group * layer.kvHeads * headDim], i),
    k: draw([tokens, layer.kvHeads * headDim], 10 + i),
    v: draw([tokens, layer.kvHeads * headDim], 20 + i),
  }));
  const results = await evaluateBuilt(
    g => {
      const layout = layoutInputs(g);
      return Object.fromEntries(
        layers.map(({ kvHeads, group, window, ...inputs }, i) => {
          const { q, k, v } = inputs;
          const [queries, keys, values] = Object.entries({ q, k, v }).map(([name, { shape }]) =>
            g.input(`${name}${i}`, 'float32', ['tokens', shape[1]!]),
          );
          const options = { heads: group * kvHeads, kvHeads, headDim, window };
          return [`y${i}`, attention(g, queries!, keys!, values!, layout, options)];
        }),
      );
    },
    Object.assign(
      { row_of_place: rowOfPlace, place_of_row: placeOfRow },
      ...layers.map(({ q, k, v }, i) => ({ [`q${i}`]: tensor(q), [`k${i}`]: tensor(k), [`v${i}`]: tensor(v) })),
    ),
  );
  layers.forEach(({ q, k, v, ...options }, i) => {
    const expected = reference(q, k, v, { lengths, headDim, ...options });
    expectClose(`y${i}`, floats(results[`y${i}`]!).subarray(0, expected.data.length), expected.data);
  });
});
