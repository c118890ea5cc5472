/**
 * The graphs of whole models, printed. A change of a snapshot shows what a refactor did to what runs; accept it with
 * `vitest run tests/graph/golden.test.ts --update` once it is meant.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { floats } from '../../src/engine/tensor.ts';
import { encode, type Graph, print } from '../../src/graph/index.ts';
import { packBatch, type TokenSequence } from '../../src/language-model/batch.ts';
import { generationGraph } from '../../src/language-model/generator.ts';
import { scoringGraph } from '../../src/language-model/scorer.ts';
import { openCheckpoint } from '../../src/model/checkpoint.ts';
import { loraConfigSchema } from '../../src/model/lora.ts';
import { inverseFrequencies, ropeTables } from '../../src/model/rope.ts';
import { cbpo } from '../../src/objectives/cbpo.ts';
import { sft } from '../../src/objectives/sft.ts';
import { fullTrainingGraph, trainingGraph } from '../../src/training/graphs.ts';
import { withSession } from '../support/evaluate.ts';
import { expectClose } from '../support/gradient.ts';

const checkpoint = (name: string) =>
  openCheckpoint(fileURLToPath(new URL(`../fixtures/checkpoints/${name}`, import.meta.url)));

const llama = await checkpoint('llama-gqa-tied');
const qwen = await checkpoint('qwen3');
const lora = loraConfigSchema.parse({ rank: 4, loraDropout: 0.1, targetModules: ['q_proj', 'v_proj'] });

const graphs: Readonly<Record<string, () => Graph>> = {
  'training-sft': () => trainingGraph(llama, lora, sft()),
  'training-cbpo': () => trainingGraph(llama, lora, cbpo({ alpha: 0.3 })),
  'training-full': () => fullTrainingGraph(llama.config),
  scoring: () => scoringGraph(qwen),
  generation: () => generationGraph(qwen),
};

describe.each(Object.entries(graphs))('%s', (name, build) => {
  test('prints as recorded', async () => {
    await expect(print(build())).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  test('built twice is the same, byte for byte', () => {
    const [one, two] = [build(), build()];
    expect(print(two)).toBe(print(one));
    expect(Buffer.from(encode(two)).equals(encode(one))).toBe(true);
  });
});

test('every linear layer can be adapted', () => {
  const all = loraConfigSchema.parse({ targetModules: 'all-linear' });
  const { outputs } = trainingGraph(llama, all, sft());
  expect(outputs.filter(({ name }) => name.startsWith('gradient.'))).toHaveLength(2 * llama.linears.length);
});

test('one session serves batches of every shape, and a sequence scores the same in each', async () => {
  const frequencies = inverseFrequencies(qwen.config.headDim, 10_000, { rope_type: 'default' });
  const sequences: TokenSequence[] = [
    { ids: [1, 5, 9, 4, 2], promptLength: 2 },
    { ids: [1, 7, 2], promptLength: 1 },
    { ids: [1, 3, 8, 6, 11, 12, 2], promptLength: 5 },
  ];
  await withSession(
    scoringGraph(qwen),
    async session => {
      const score = async (batch: readonly TokenSequence[]) => {
        const { feeds } = packBatch(batch, rows => ropeTables(frequencies, rows));
        return [...floats((await session.run(feeds)).token_log_probs!)];
      };
      const alone: number[][] = [];
      for (const sequence of sequences) alone.push(await score([sequence]));
      for (const batch of [[0, 1], [2, 0, 1], [1, 1, 1, 1], [2]]) {
        const together = await score(batch.map(i => sequences[i]!));
        // Two float32 results of some thousand roundings each in another order, around -4.
        expectClose(
          `batch ${batch}`,
          together,
          batch.flatMap(i => alone[i]!),
          2e-6,
        );
      }
    },
    qwen.weightsFolder,
  );
});
