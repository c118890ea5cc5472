/** The exact loss at any batch size: two passes over micro-batches against one pass over the whole batch. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { random } from '../common/random.ts';
import { LanguageModel } from '../language-model/language-model.ts';
import { initialMatrices, type LoraMatrices, loraConfigSchema } from '../model/lora.ts';
import { bco } from '../objectives/bco.ts';
import { cbpo } from '../objectives/cbpo.ts';
import { dpo } from '../objectives/dpo.ts';
import { kto } from '../objectives/kto.ts';
import type { Group, Objective } from '../objectives/objective.ts';
import { sft } from '../objectives/sft.ts';
import { BatchGradients, microBatches, type TrainingExample } from './batch-gradient.ts';

const lora = loraConfigSchema.parse({ rank: 4, targetModules: 'all-linear' });
const GROUPS: Group[] = ['target', 'target', 'target', 'auxiliary', 'auxiliary', 'auxiliary', 'disliked'];

let folder: string;
let model: LanguageModel;
let matrices: LoraMatrices;
let batch: TrainingExample[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
  await writeTinyBackbone(folder);
  model = await LanguageModel.load(folder, { device: 'cpu', threads: 1 });
  const source = random(3, 'batch gradient');
  // B away from zero, so that every matrix has a gradient and every record a reward.
  matrices = initialMatrices(lora, model.checkpoint.linears, source).map(matrix => ({
    ...matrix,
    data: matrix.data.map(value => value + 0.05 * source.normal()),
  }));
  batch = await Promise.all(
    GROUPS.map(async (group, i) => {
      const length = 9 + 5 * i;
      const ids = Array.from({ length }, () => source.integer(256));
      const sequence = { ids, promptLength: 3 + source.integer(4) };
      return { ...sequence, group, weight: 0.5 + i / 6, referenceLogProb: (await model.score(sequence)).logProb };
    }),
  );
});
afterAll(async () => {
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function compute(objective: Objective, of: readonly TrainingExample[], microBatchTokens: number) {
  const batches = new BatchGradients(model, lora, objective, microBatchTokens);
  const result = await batches.compute(of, { matrices, objective, state: objective.initialState });
  await batches.release();
  return result;
}

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));
const withMismatched = () => [
  ...batch,
  ...batch.map((example, i) => ({ ...batch[(i + 1) % batch.length]!, ids: example.ids, group: 'mismatched' as const })),
];
const withoutDisliked = () => batch.filter(({ group }) => group !== 'disliked');

describe('two passes over micro-batches', () => {
  const cases: [string, () => Objective, () => TrainingExample[]][] = [
    ['C-BPO', () => cbpo({ alpha: 0.3, beta: 1 }), () => batch],
    ['C-BPO with a clipped risk', () => cbpo({ alpha: 0.95, beta: 1, emaStart: 'first' }), () => batch],
    ['C-BPO under nnPU’s rule', () => cbpo({ alpha: 0.95, beta: 1, negativeRisk: 'nnpu' }), () => batch],
    ['BCO', () => bco({ beta: 0.1 }), () => batch],
    ['KTO', () => kto({ beta: 0.1 }), withMismatched],
    ['DPO', () => dpo({ beta: 0.1 }), withoutDisliked],
    ['SFT', sft, withoutDisliked],
  ];
  it.each(cases)('give the loss, metrics, state and gradient of one pass: %s', async (_, objective, examples) => {
    const whole = await compute(objective(), examples(), Number.POSITIVE_INFINITY);
    for (const microBatchTokens of [1, 40]) {
      const parts = await compute(objective(), examples(), microBatchTokens);
      expect(parts.loss).toBeCloseTo(whole.loss, 5);
      expect(Object.keys(parts.metrics)).toEqual(Object.keys(whole.metrics));
      expect(Object.keys(parts.state)).toEqual(Object.keys(whole.state));
      for (const [name, value] of Object.entries({ ...whole.metrics, ...whole.state })) {
        // rewards of up to some 10 nats in float32
        expect({ ...parts.metrics, ...parts.state }[name]!, name).toBeCloseTo(value, 4);
      }
      const flat = (gradients: readonly Float32Array[]) => gradients.flatMap(gradient => [...gradient]);
      const [expected, found] = [flat(whole.gradients), flat(parts.gradients)];
      // The same products in another order of summation, in float32.
      expect(norm(expected.map((value, i) => value - found[i]!)) / norm(expected)).toBeLessThan(1e-6);
    }
  });

  it('are not the sum of the micro-batches’ own losses', async () => {
    const objective = cbpo({ alpha: 0.3, beta: 1 });
    const whole = await compute(objective, batch, 1);
    const halves = [0, 1].map(odd => batch.filter((_, i) => i % 2 === odd));
    const losses = await Promise.all(halves.map(half => compute(objective, half, Number.POSITIVE_INFINITY)));
    expect(Math.abs(losses.reduce((sum, { loss }) => sum + loss / 2, 0) - whole.loss)).toBeGreaterThan(1e-3);
  });

  it('draw one dropout mask for both passes: the gradient is that of the loss told', async () => {
    const dropping = { ...lora, loraDropout: 0.5 };
    const objective = cbpo({ alpha: 0.3, beta: 1, emaDecay: 1 });
    const batches = new BatchGradients(model, dropping, objective, 40);
    const at = (changed: LoraMatrices) =>
      batches.compute(batch, {
        matrices: changed,
        objective,
        state: objective.initialState,
        dropout: random(0, 'masks'),
      });
    const { gradients } = await at(matrices);
    // Along the gradient itself the slope is its squared norm. A second draw of masks is off by a third or more.
    const squared = gradients.reduce((sum, gradient) => sum + norm(gradient) ** 2, 0);
    const step = 1e-2 / Math.sqrt(squared);
    const moved = (sign: number) =>
      matrices.map((matrix, m) => ({
        ...matrix,
        data: matrix.data.map((x, i) => x + sign * step * gradients[m]![i]!),
      }));
    const slope = ((await at(moved(1))).loss - (await at(moved(-1))).loss) / (2 * step);
    await batches.release();
    expect(Math.abs(slope / squared - 1)).toBeLessThan(0.02); // central differences of a float32 loss
  });
});

describe('micro-batches', () => {
  const sequence = (tokens: number) => ({ ids: Array(tokens + 1).fill(0), promptLength: 1 });

  it('keep the order, fill up to the limit, and give a longer sequence a part of its own', () => {
    const parts = microBatches([3, 4, 9, 2, 2, 4].map(sequence), 8);
    expect(parts.map(part => part.map(({ ids }) => ids.length - 1))).toEqual([[3, 4], [9], [2, 2, 4]]);
  });
});
