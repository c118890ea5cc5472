/** Log-probabilities of target tokens, however many blocks the vocabulary is split into. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { draw, type NdArray, softmaxOf, sum, tabulate } from '../../../tests/support/array.ts';
import { evaluateBuilt } from '../../../tests/support/evaluate.ts';
import { checkOperator, tensor } from '../../../tests/support/gradient.ts';
import { anySeed, forAll, size } from '../../../tests/support/property.ts';
import { random } from '../../common/random.ts';
import { float32, floats, int64 } from '../../engine/tensor.ts';
import { headBlock, tokenLogProbs, trainedTokenLogProbs } from './likelihood.ts';
import { gather } from './movement.ts';

const sample = fc.record({
  blocks: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
  width: size,
  rows: size,
  // Logits near each other, and logits whose blocks leave each other no share.
  spread: fc.constantFrom(1, 8),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('log softmax(hidden Wᵀ)[target], with W in one block or several', async () => {
  await forAll(
    sample,
    async ({ blocks, width, rows, spread, symbolic, seed }) => {
      const vocabulary = blocks.reduce((a, b) => a + b);
      const table = draw([vocabulary, width], seed + 1);
      const source = random(seed);
      const targets = Array.from({ length: rows }, () => source.integer(vocabulary));
      let start = 0;
      const parts = blocks.map(count => {
        const data = table.data.slice(start * width, (start + count) * width);
        start += count;
        return tensor({ shape: [count, width], data });
      });
      await checkOperator({
        inputs: { hidden: draw([rows, width], seed, -spread, spread) },
        constants: {
          table: tensor(table),
          targets: int64(targets),
          ...Object.fromEntries(parts.map((part, i) => [`block ${i}`, part])),
        },
        declared: symbolic ? { hidden: ['completions', width], targets: ['completions'] } : undefined,
        build: (g, values) =>
          tokenLogProbs(
            g,
            values.hidden!,
            values.table!,
            parts.map((_, i) => headBlock(g, values[`block ${i}`]!)),
            values.targets!,
          ),
        reference: ({ hidden }) => logProbsOf(hidden!, table, targets),
      });
    },
    25,
  );
});

const trainedSample = fc.record({
  vocabulary: fc.integer({ min: 1, max: 8 }),
  width: size,
  rows: size,
  spread: fc.constantFrom(1, 8),
  symbolic: fc.boolean(),
  seed: anySeed,
});

test('log softmax(hidden Wᵀ)[target] and its gradient for W too', async () => {
  await forAll(trainedSample, async ({ vocabulary, width, rows, spread, symbolic, seed }) => {
    const source = random(seed);
    const targets = Array.from({ length: rows }, () => source.integer(vocabulary));
    await checkOperator({
      inputs: { hidden: draw([rows, width], seed, -spread, spread), table: draw([vocabulary, width], seed + 1) },
      constants: { targets: int64(targets) },
      declared: symbolic ? { hidden: ['completions', width], targets: ['completions'] } : undefined,
      build: (g, { hidden, table, targets: chosen }) => trainedTokenLogProbs(g, hidden!, table!, chosen!),
      reference: ({ hidden, table }) => logProbsOf(hidden!, table!, targets),
    });
  });
});

test('an output matrix that is also read as the embedding takes the sum of both gradients', async () => {
  // Rows repeat among the ids, and an id is a target too.
  const ids = [2, 0, 2, 2, 1];
  const targets = [0, 2, 2, 1, 2];
  await checkOperator({
    inputs: { table: draw([4, 3], 11) },
    constants: { ids: int64(ids), targets: int64(targets) },
    build: (g, { table, ids: read, targets: chosen }) =>
      trainedTokenLogProbs(g, gather(g, table!, read!), table!, chosen!),
    reference: ({ table }) => {
      const hidden = tabulate([ids.length, 3], ([row, i]) => table!.data[ids[row!]! * 3 + i!]!);
      return logProbsOf(hidden, table!, targets);
    },
  });
});

function logProbsOf(hidden: NdArray, table: NdArray, targets: readonly number[]): NdArray {
  const [vocabulary, width] = table.shape as [number, number];
  return tabulate([targets.length], ([row]) => {
    const logits = Array.from({ length: vocabulary }, (_, v) =>
      sum(width, i => hidden.data[row! * width + i]! * table.data[v * width + i]!),
    );
    return Math.log(softmaxOf(logits)[targets[row!]!]!);
  });
}

test('a target far below the rest keeps its log-probability', async () => {
  const { y } = await evaluateBuilt(
    g => {
      const table = g.constant(Float32Array.of(0, 500, -500), [3, 1]);
      const blocks = [
        headBlock(g, g.constant(Float32Array.of(0, 500), [2, 1])),
        headBlock(g, g.constant(Float32Array.of(-500), [1, 1])),
      ];
      return { y: tokenLogProbs(g, g.input('hidden', 'float32', [3, 1]), table, blocks, g.integers([0, 1, 2])) };
    },
    { hidden: float32(Float32Array.of(1, 1, 1), [3, 1]) },
  );
  expect([...floats(y!)]).toEqual([-500, 0, -1000]);
});
