/** The training loop of one adapter: planned batches, steps, metrics, checkpoints; it continues where it stopped. */

import { IdiolectError } from '../common/errors.ts';
import { sha256 } from '../common/files.ts';
import { printable } from '../common/printable.ts';
import { random } from '../common/random.ts';
import { stopIfAsked } from '../common/stop.ts';
import { setting } from '../common/wording.ts';
import type { LoraMatrices } from '../model/lora.ts';
import { firstNotFinite, largestMagnitude } from '../model/magnitude.ts';
import type { Objective } from '../objectives/objective.ts';
import type { TrainingExample } from '../training/batch-gradient.ts';
import type { PlannedBatch } from '../training/plan.ts';
import { learningRateFactor, type ScheduleOptions } from '../training/schedule.ts';
import type { StepMetrics, Trainer } from '../training/trainer.ts';
import type { RunStore } from './run-store.ts';
import { NOT_IDENTITY } from './settings.ts';

export interface LoopSettings extends ScheduleOptions {
  readonly seed: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly saveEvery: number;
}

/** The steps of a training that is logged and saved in a run folder, and may be stopped. */
export interface StepPlan {
  /** Names the training in metrics and the state folder. */
  readonly name: string;
  /** Steps done before. */
  readonly from: number;
  readonly steps: number;
  readonly saveEvery: number;
  readonly signal: AbortSignal | undefined;
}

export interface StepWork {
  /** Does a step (from 0). @returns what metrics.jsonl records of it, in addition to its name and number */
  readonly step: (step: number) => Promise<Readonly<Record<string, unknown>>>;
  /** Called after each step, with the steps done. */
  readonly onStep?: (done: number) => void;
  /** Saves the state after `done` steps. */
  readonly save: (done: number) => Promise<void>;
}

/**
 * Runs the steps that are left: each is logged, the state is saved every `saveEvery` steps and on a stop.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal
 */
export async function runSteps(store: RunStore, plan: StepPlan, work: StepWork): Promise<void> {
  const { name, from, steps, saveEvery, signal } = plan;
  await store.truncateMetrics(name, from);
  for (let step = from; step < steps; step++) {
    if (signal?.aborted) {
      await work.save(step);
      stopRunIfAsked(signal, store);
    }
    const line = { user: name, step: step + 1, ...(await work.step(step)) };
    await store.appendStep(line);
    work.onStep?.(step + 1);
    if ((step + 1) % saveEvery === 0) await work.save(step + 1);
  }
}

/** The work of one adapter. */
export interface AdapterWork {
  /** Names the adapter in metrics and random streams: its user. */
  readonly name: string;
  readonly objective: Objective;
  /** The user's overlap, where the objective uses it; it is not in the record of the run. */
  readonly alpha?: number;
  readonly batches: readonly PlannedBatch[];
  /** The records of a planned batch. */
  readonly batchOf: (planned: PlannedBatch) => readonly TrainingExample[];
  /** The adapter to start from; a fresh one where absent. */
  readonly start?: LoraMatrices;
  /** Further metrics of a step, measured before it. */
  readonly measure?: (step: number, batch: readonly TrainingExample[], matrices: LoraMatrices) => Promise<StepMetrics>;
}

export type LoopEvent =
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'resume'; readonly step: number }
  | { readonly type: 'step'; readonly step: number; readonly steps: number; readonly metrics: StepMetrics };

export interface LoopOptions {
  readonly onEvent: (event: LoopEvent) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Trains from the last checkpoint in the run folder, or from the start, to the last batch. The trainer then holds the
 * finished adapter; the checkpoint stays until the caller has published it.
 *
 * @returns the metrics of the last step done here
 * @throws IdiolectError INTERRUPTED when stopped by the signal, with the state saved; DIVERGED when a loss, a gradient or a
 *   weight is not finite; CHECKPOINT when the checkpoint is from another training
 */
export async function trainAdapter(
  trainer: Trainer,
  { name, objective, alpha, batches, batchOf, start, measure }: AdapterWork,
  { settings, store }: { readonly settings: LoopSettings; readonly store: RunStore },
  { onEvent, signal }: LoopOptions,
): Promise<StepMetrics> {
  const { seed, lr, weightDecay, maxGradNorm, saveEvery } = settings;
  trainer.reset(random(seed, `adapter/${name}`), objective, start);
  const training = sha256(JSON.stringify([await store.identity(NOT_IDENTITY), name, alpha]));
  const saved = await store.loadState(name, {
    training,
    template: trainer.state.matrices,
    onNotice: message => onEvent({ type: 'notice', message }),
  });
  if (saved) {
    trainer.restore(saved.state, objective);
    onEvent({ type: 'resume', step: saved.step });
  }
  let metrics: StepMetrics = {};
  const oneStep = async (step: number) => {
    const planned = batches[step]!;
    const batch = batchOf(planned);
    const measured = await measure?.(step, batch, trainer.state.matrices);
    const found = await trainer.forwardBackward(batch, random(seed, `dropout/${name}/${step}`));
    const rate = lr * learningRateFactor(step, batches.length, settings);
    const { gradNorm } = trainer.optimStep({ lr: rate, weightDecay, maxGradNorm });
    metrics = { ...found, ...measured, grad_norm: gradNorm, lr: rate };
    requireFinite({ loss: found.loss!, gradient: gradNorm, ...measured }, trainer, { name, step, lr });
    return { epoch: planned.epoch + 1, ...metrics };
  };
  await runSteps(
    store,
    { name, from: saved?.step ?? 0, steps: batches.length, saveEvery, signal },
    {
      step: oneStep,
      onStep: step => onEvent({ type: 'step', step, steps: batches.length, metrics }),
      save: step => store.saveState(name, training, { step, state: trainer.state }),
    },
  );
  await requireUsable(trainer, batchOf(batches.at(-1)!), { name, step: batches.length - 1, seed, lr });
  return metrics;
}

interface Place {
  readonly name: string;
  readonly step: number;
  readonly lr: number;
}

/** @throws IdiolectError DIVERGED when a number of the step, or what it left behind, is not finite */
function requireFinite(numbers: Readonly<Record<string, number>>, trainer: Trainer, place: Place): void {
  const [wrong] = Object.entries(numbers).find(([, value]) => !Number.isFinite(value)) ?? [];
  if (wrong !== undefined) throw diverged(place, `${wrong.replaceAll('_', ' ')} is`);
  const { matrices, objective } = trainer.state;
  if (firstNotFinite(matrices)) throw diverged(place, 'adapter has weights that are');
  if (!Object.values(objective).every(Number.isFinite)) throw diverged(place, 'running state of the objective is');
}

/** Weights up to this size do not overflow float32, even multiplied through every layer. */
const HARMLESS = 100;

/**
 * Weights can be finite and yet too large to compute with. Each step shows this for the step before it; where the last
 * step left large weights, its batch is run once more.
 *
 * @throws IdiolectError DIVERGED
 */
async function requireUsable(
  trainer: Trainer,
  batch: readonly TrainingExample[],
  place: Place & { readonly seed: number },
): Promise<void> {
  if (trainer.state.matrices.every(matrix => largestMagnitude(matrix) <= HARMLESS)) return;
  const { loss } = await trainer.forwardBackward(batch, random(place.seed, `dropout/${place.name}/after`));
  if (!Number.isFinite(loss)) throw diverged(place, 'loss after it is');
}

function diverged({ name, step, lr }: Place, what: string): IdiolectError {
  return new IdiolectError(
    'DIVERGED',
    `training "${printable(name)}" diverged in step ${step + 1}: its ${what} not finite. Lower ${setting('lr')} (${lr} now).`,
  );
}

/** @throws IdiolectError INTERRUPTED when the signal has asked to stop */
export function stopRunIfAsked(signal: AbortSignal | undefined, { path }: Pick<RunStore, 'path'>): void {
  stopIfAsked(signal, `what is done is kept in ${path}, and the same command continues from there`);
}
