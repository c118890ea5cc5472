/**
 * Twenty steps of C-BPO against the same run in PyTorch and PEFT, written from the paper's formulas with autograd
 * (tests/fixtures/cbpo_run.py): reference scores, loss, reference point, clipped risk, AdamW, schedule, final adapter.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Adapter, readAdapter } from '../../src/model/adapter.ts';
import type { LoraMatrices } from '../../src/model/lora.ts';
import { readFloats, readHeader } from '../../src/model/safetensors.ts';
import { cbpo } from '../../src/objectives/cbpo.ts';
import type { LanguageModel } from '../../src/runtime/language-model.ts';
import { initialAdamW } from '../../src/training/adamw.ts';
import { loadCheckpoint, saveCheckpoint } from '../../src/training/checkpoint.ts';
import { learningRateFactor } from '../../src/training/schedule.ts';
import { type StepMetrics, Trainer, type TrainerState, type TrainingExample } from '../../src/training/trainer.ts';
import { largestDifference, openVariant, temporaryFolders } from './support.ts';

interface RecordedStep {
  readonly loss: number;
  readonly delta: number;
  readonly ema_target: number;
  readonly ema_auxiliary: number;
  readonly positive_risk: number;
  readonly pure_negative_risk: number;
  readonly grad_norm: number;
  readonly lr: number;
}

interface RecordedRun {
  readonly settings: Readonly<Record<'alpha' | 'beta' | 'ema_decay' | 'lr' | 'weight_decay' | 'max_grad_norm', number>>;
  readonly rounding: { readonly loss: number; readonly delta: number; readonly matrices: number };
  readonly steps: readonly RecordedStep[];
}

interface Recording {
  readonly batches: readonly (readonly {
    readonly ids: readonly number[];
    readonly prompt_length: number;
    readonly group: 'target' | 'auxiliary';
    readonly reference_log_prob: number;
  }[])[];
  readonly runs: Readonly<Record<string, RecordedRun>>;
}

const FOLDER = fileURLToPath(new URL('../fixtures/cbpo-run', import.meta.url));
const { batches: recordedBatches, runs }: Recording = JSON.parse(await readFile(join(FOLDER, 'runs.json'), 'utf8'));

const folders = temporaryFolders();
let model: LanguageModel;
let start: Adapter;
let batches: readonly (readonly TrainingExample[])[];
beforeAll(async () => {
  model = await openVariant('llama-gqa-tied', await folders());
  start = await readAdapter(join(FOLDER, 'start'), model.checkpoint);
  batches = await Promise.all(
    recordedBatches.map(batch =>
      Promise.all(
        batch.map(async ({ ids, prompt_length, group }) => {
          const sequence = { ids, promptLength: prompt_length };
          return { ...sequence, group, referenceLogProb: (await model.score(sequence)).logProb };
        }),
      ),
    ),
  );
});
afterAll(() => model.close());

async function trainerOf({ settings }: RecordedRun, state?: TrainerState): Promise<Trainer> {
  const { alpha, beta, ema_decay } = settings;
  const objective = cbpo({ alpha, beta, emaDecay: ema_decay });
  const trainer = await Trainer.create(model, start.config, objective);
  const matrices = start.matrices.map(matrix => ({ ...matrix, data: matrix.data.slice() }));
  const optimizer = initialAdamW(matrices.map(({ data }) => data));
  trainer.restore(state ?? { matrices, optimizer, objective: objective.initialState });
  return trainer;
}

/** Steps `from` to before `to` of a run; the numbers of each. */
async function take(trainer: Trainer, { settings, steps }: RecordedRun, from: number, to: number) {
  const taken: StepMetrics[] = [];
  for (let step = from; step < to; step++) {
    const found = await trainer.forwardBackward(batches[step % batches.length]!);
    const lr = settings.lr * learningRateFactor(step, steps.length, { warmupRatio: 0.1, schedule: 'linear' });
    const { gradNorm } = trainer.optimStep({
      lr,
      weightDecay: settings.weight_decay,
      maxGradNorm: settings.max_grad_norm,
    });
    taken.push({ ...found, ...trainer.state.objective, grad_norm: gradNorm, lr });
  }
  return taken;
}

/** How far the matrices are from those recorded, as a share of the distance training went. */
async function distanceFromRecorded(name: string, matrices: LoraMatrices): Promise<number> {
  const entries = await readHeader(join(FOLDER, `${name}.safetensors`));
  expect([...entries.keys()].sort()).toEqual(matrices.map(matrix => matrix.name).sort());
  let difference = 0;
  let way = 0;
  for (const [m, matrix] of matrices.entries()) {
    const expected = await readFloats(entries.get(matrix.name)!);
    expect(matrix.data.length).toBe(expected.length);
    expected.forEach((value, i) => {
      difference += (matrix.data[i]! - value) ** 2;
      way += (value - start.matrices[m]!.data[i]!) ** 2;
    });
  }
  return Math.sqrt(difference / way);
}

test('the reference is the model without the adapter', () => {
  const ours = batches.flat().map(({ referenceLogProb }) => referenceLogProb);
  const theirs = recordedBatches.flat().map(({ reference_log_prob }) => reference_log_prob);
  // Each of up to 8 tokens brings the rounding of its logits, some 1e-5 (see checkpoints.test.ts). Seen: 1e-5 in all.
  ours.forEach((value, i) => void expect(Math.abs(value - theirs[i]!)).toBeLessThan(1e-4));
});

test('the runs meet every branch', () => {
  const clipped = runs.clipped!.steps.map(({ pure_negative_risk: risk }) => (risk < 0 ? 'clipped' : 'open'));
  const changes = clipped.slice(1).flatMap((side, i) => (side === clipped[i] ? [] : [side]));
  expect(changes.slice(0, 3)).toEqual(['clipped', 'open', 'clipped']);
  for (const { settings, steps } of Object.values(runs)) {
    expect(steps.some(({ grad_norm }) => grad_norm > settings.max_grad_norm)).toBe(true);
    expect(steps.some(({ grad_norm }) => grad_norm < settings.max_grad_norm)).toBe(true);
    // At the kink rounding would decide.
    expect(steps.every(({ pure_negative_risk: risk }) => Math.abs(risk) > 1e-3)).toBe(true);
  }
});

describe.each(Object.keys(runs))('%s', name => {
  const run = runs[name]!;
  // How far PyTorch's float32 is from its own float64 over the same steps is recorded with each run: up to 2e-6 for the
  // loss, 1e-7 for delta, 4e-6 of the way. Another engine sums in another order, so it is about as far off on its own
  // account, and by another factor on other processors: ten times what is recorded. Seen: once for all three.
  const margin = (rounding: number) => 10 * rounding;
  let whole: Trainer;
  let taken: readonly StepMetrics[];
  beforeAll(async () => {
    whole = await trainerOf(run);
    taken = await take(whole, run, 0, run.steps.length);
  });
  afterAll(() => whole.release());

  const differences = (key: keyof RecordedStep) =>
    largestDifference(
      taken.map(step => step[key]!),
      run.steps.map(step => step[key]),
    );

  test.each(['loss', 'positive_risk', 'pure_negative_risk'] as const)('%s of every step', key => {
    expect(differences(key)).toBeLessThan(margin(run.rounding.loss));
  });

  test.each(['delta', 'ema_target', 'ema_auxiliary'] as const)('%s of every step', key => {
    expect(differences(key)).toBeLessThan(margin(run.rounding.delta));
  });

  test('the norm of the gradient at every step', () => {
    const ratios = taken.map((step, s) => step.grad_norm! / run.steps[s]!.grad_norm);
    // A gradient is a sum over the batch of terms that carry the rounding of the activations, some 1e-6. Seen: 2e-6.
    for (const ratio of ratios) expect(Math.abs(ratio - 1)).toBeLessThan(2e-5);
  });

  test('the rate of every step', () => {
    expect(differences('lr')).toBeLessThan(1e-15); // the same formula in float64
  });

  test('the adapter after the last step', async () => {
    expect(await distanceFromRecorded(name, whole.state.matrices)).toBeLessThan(margin(run.rounding.matrices));
  });

  test('a run that stops in the middle and goes on from its file ends at the same bits', async () => {
    const middle = run.steps.length / 2;
    const folder = await folders();
    const first = await trainerOf(run);
    const before = await take(first, run, 0, middle);
    await saveCheckpoint(folder, { step: middle, state: first.state });
    await first.release();

    const saved = await loadCheckpoint(folder, start.matrices);
    const second = await trainerOf(run, saved!.state);
    const after = await take(second, run, saved!.step, run.steps.length);
    expect([...before, ...after]).toEqual(taken);
    expect(second.state).toEqual(whole.state);
    await second.release();
  });

  test('a run that loses its reward averages goes elsewhere', async () => {
    const middle = run.steps.length / 2;
    const trainer = await trainerOf(run);
    await take(trainer, run, 0, middle);
    trainer.restore({ ...trainer.state, objective: { ema_target: 0, ema_auxiliary: 0 } });
    const [next] = await take(trainer, run, middle, middle + 1);
    expect(Math.abs(next!.delta! - taken[middle]!.delta!)).toBeGreaterThan(margin(run.rounding.delta));
    await trainer.release();
  });
});
