/** The low-rank update of a frozen layer, with and without dropout. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, draw, map, sum, tabulate } from '../../../tests/support/array.ts';
import { checkOperator, tensor } from '../../../tests/support/gradient.ts';
import { anySeed, forAll, size } from '../../../tests/support/property.ts';
import { Graph } from '../graph.ts';
import { addLowRank } from './lora.ts';
import { linear } from './matmul.ts';

const sample = fc.record({
  tokens: size,
  inWidth: size,
  outWidth: size,
  rank: fc.integer({ min: 1, max: 2 }),
  scale: fc.constantFrom(1, 2, 0.25),
  bias: fc.boolean(),
  dropout: fc.boolean(),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('x Wᵀ + bias + scale ((x keep) Aᵀ) Bᵀ', async () => {
  await forAll(
    sample,
    async ({ tokens, inWidth, outWidth, rank, scale, bias, dropout, symbolic, seed }) => {
      const keep = map(draw([tokens, inWidth], seed + 4), x => (x > 0 ? 1.25 : 0));
      const rows = symbolic ? { x: ['tokens', inWidth], keep: ['tokens', inWidth] } : undefined;
      await checkOperator({
        inputs: {
          x: draw([tokens, inWidth], seed),
          weight: draw([outWidth, inWidth], seed + 1),
          a: draw([rank, inWidth], seed + 2),
          b: draw([outWidth, rank], seed + 3),
          ...(bias && { bias: draw([outWidth], seed + 5) }),
        },
        constants: dropout ? { keep: tensor(keep) } : {},
        declared: rows,
        build: (g, values) =>
          addLowRank(g, values.x!, linear(g, values.x!, values.weight!, values.bias), {
            a: values.a!,
            b: values.b!,
            scale,
            keep: values.keep,
          }),
        reference: inputs => {
          const { x, weight, a, b } = inputs;
          const seen = tabulate([tokens, inWidth], index => at(x!, index) * (dropout ? at(keep, index) : 1));
          const low = tabulate([tokens, rank], ([t, r]) => sum(inWidth, i => at(seen, [t!, i]) * at(a!, [r!, i])));
          return tabulate([tokens, outWidth], ([t, o]) => {
            const base = sum(inWidth, i => at(x!, [t!, i]) * at(weight!, [o!, i]));
            const update = sum(rank, r => at(low, [t!, r]) * at(b!, [o!, r]));
            return base + scale * update + (inputs.bias ? at(inputs.bias, [o!]) : 0);
          });
        },
      });
    },
    25,
  );
});

test('without an update it is the plain layer', () => {
  const g = new Graph();
  const x = g.input('x', 'float32', ['tokens', 3]);
  addLowRank(g, x, linear(g, x, g.input('weight', 'float32', [2, 3])));
  expect(g.nodes.map(({ op }) => op)).toEqual(['Gemm']);
});
