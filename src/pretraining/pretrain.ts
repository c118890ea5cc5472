/** Trains every weight of a model, fresh or trained before, on blocks of tokens, to a Hugging Face folder; stoppable anywhere. */

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { unlessDamaged } from '../common/damage.ts';
import { IdiolectError } from '../common/errors.ts';
import { exists, sha256 } from '../common/files.ts';
import { random } from '../common/random.ts';
import type { Resolved } from '../common/settings.ts';
import { packageVersion } from '../common/version.ts';
import { engineSchema } from '../engine/session.ts';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts';
import { type ModelConfig, parseModelConfig } from '../model/config.ts';
import { firstNotFinite } from '../model/magnitude.ts';
import { initialWeights, readWeights, writeModel } from '../model/weights.ts';
import { runSteps } from '../runs/loop.ts';
import { RunFolder } from '../runs/run-folder.ts';
import { adamwSchema } from '../training/adamw.ts';
import { cosineFactor } from '../training/schedule.ts';
import { FullTrainer, initialState } from './full-trainer.ts';
import { consecutiveBatches, TokenBlocks } from './token-blocks.ts';

export const pretrainSchema = z.object({
  out: z.string().describe('run folder; the same command continues where it stopped'),
  start: z.string().optional().describe('folder of a model of the same shape to start from, in place of fresh weights'),
  steps: z.int().positive().describe('optimiser steps'),
  batchSize: z.int().positive().default(8).describe('blocks in a batch'),
  blockLength: z.int().positive().default(256).describe('tokens of a block'),
  lr: z.number().positive().default(2e-3).describe('peak learning rate'),
  warmupSteps: z.int().nonnegative().default(100).describe('steps over which the rate rises linearly'),
  finalRate: z.number().min(0).max(1).default(0.1).describe('share of the peak rate left at the end of the cosine'),
  weightDecay: z.number().min(0).default(0.1).describe('decoupled weight decay, of matrices only'),
  maxGradNorm: adamwSchema.shape.maxGradNorm,
  seed: z.int().nonnegative().default(0).describe('seed of everything random'),
  dtype: z.enum(['F32', 'F16']).default('F32').describe('type the finished weights are stored in'),
  saveEvery: z.int().positive().default(200).describe('steps between checkpoints'),
  evaluateEvery: z.int().positive().default(200).describe('steps between measurements on held-out text'),
  evaluateBlocks: z.int().positive().default(64).describe('most blocks of held-out text to measure on'),
  ...engineSchema.shape,
});

export type PretrainSettings = z.infer<typeof pretrainSchema>;

/** What may differ when a run is continued; nothing that changes the weights. */
const NOT_IDENTITY = [
  'out',
  'start', // its weights are compared, not their place
  'saveEvery',
  'evaluateEvery',
  'evaluateBlocks',
  'dtype',
  'threads',
] as const;

/** Names the run in metrics and random streams. */
const NAME = 'model';

export interface PretrainSources {
  /** config.json of the model to be. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokens: Uint16Array;
  /** Never trained on. */
  readonly heldOut: Uint16Array;
  /** Files to put into the finished folder: the tokenizer's. */
  readonly companions: readonly string[];
}

export type PretrainEvent =
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'start'; readonly parameters: number; readonly steps: number }
  | { readonly type: 'resume'; readonly step: number }
  | { readonly type: 'step'; readonly step: number; readonly steps: number; readonly loss: number; readonly lr: number }
  | { readonly type: 'held-out'; readonly step: number; readonly loss: number };

export interface PretrainOptions {
  /** What the run records as the version that made it (default: this package's). */
  readonly version?: string;
  readonly onEvent?: (event: PretrainEvent) => void;
  /** Aborting stops after the step in progress and saves it. */
  readonly signal?: AbortSignal;
}

export interface PretrainSummary {
  readonly model: string;
  readonly metrics: string;
  /** Minus the mean log-probability of a held-out token, in nats; undefined where there is too little of it. */
  readonly heldOutLoss: number | undefined;
}

/**
 * Trains for `steps` batches and writes `<out>/model`.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal, and the same call continues from there; DATA where tokens
 *   are too few or beyond the vocabulary; DIVERGED when a loss or a weight is not finite
 */
export async function pretrain(
  resolved: Resolved<PretrainSettings>,
  sources: PretrainSources,
  options: PretrainOptions = {},
): Promise<PretrainSummary> {
  const settings = resolved.values;
  const config = parseModelConfig(sources.config, 'the configuration');
  requireKnown(sources.tokens, config.vocabSize);
  requireKnown(sources.heldOut, config.vocabSize);
  const folder = new RunFolder(settings.out);
  const unlock = await folder.lock();
  let trainer: FullTrainer | undefined;
  try {
    const start = settings.start === undefined ? undefined : await openCheckpoint(settings.start);
    const identity = {
      ...(start && { start: start.fingerprint }),
      model: sha256(JSON.stringify(sources.config)),
      data: sha256(new Uint8Array(sources.tokens.buffer, sources.tokens.byteOffset, sources.tokens.byteLength)),
    };
    await folder.open(resolved, identity, options.version ?? packageVersion(), { notIdentity: NOT_IDENTITY });
    const model = join(folder.path, 'model');
    if (await exists(join(model, 'config.json'))) {
      if (await unlessDamaged(openCheckpoint(model))) {
        await folder.removeState(NAME);
        const last = (await folder.readMetrics()).at(-1)?.held_out_loss;
        return { model, metrics: folder.metricsFile, heldOutLoss: typeof last === 'number' ? last : undefined };
      }
      options.onEvent?.({ type: 'notice', message: `the model ${model} is damaged and is trained again` });
    }
    const fresh = initialState(await firstWeights(start, settings, config));
    const training = await folder.identity(NOT_IDENTITY);
    const saved = await folder.loadState(NAME, {
      training,
      template: fresh.weights,
      onNotice: message => options.onEvent?.({ type: 'notice', message }),
    });
    const state = saved ? { weights: saved.state.matrices, optimizer: saved.state.optimizer } : fresh;
    trainer = new FullTrainer(config, state, { device: settings.device, threads: settings.threads });
    const from = saved?.step ?? 0;
    const heldOutLoss = await trainSteps({ trainer, settings, sources, folder, from, training }, options);
    const { weights } = trainer.state;
    const tokens = settings.steps * settings.batchSize * settings.blockLength;
    const origin = settings.start === undefined ? 'from nothing' : 'further, from the weights of another';
    const description = `# A model trained ${origin}\n\nTrained by idiolect on ${tokens} tokens, seed ${settings.seed}.`;
    await writeModel(model, { ...sources, weights, dtype: settings.dtype, description });
    await folder.removeState(NAME);
    return { model, metrics: folder.metricsFile, heldOutLoss };
  } finally {
    await trainer?.release();
    await unlock();
  }
}

async function firstWeights(
  checkpoint: Checkpoint | undefined,
  { start, seed }: PretrainSettings,
  config: ModelConfig,
) {
  if (!checkpoint) return initialWeights(config, random(seed, 'weights'));
  if (!isDeepStrictEqual(checkpoint.config, config)) {
    throw new IdiolectError(
      'DATA',
      `${start} is a model of another shape than the one to train. Give the same layers, widths, heads, vocabulary and positions, or no start.`,
    );
  }
  return readWeights(checkpoint);
}

interface Pretraining {
  readonly trainer: FullTrainer;
  readonly settings: PretrainSettings;
  readonly sources: PretrainSources;
  readonly folder: RunFolder;
  /** Steps done before. */
  readonly from: number;
  /** What the checkpoints belong to. */
  readonly training: string;
}

/** @returns the held-out loss after the last step */
async function trainSteps(
  { trainer, settings, sources, folder, from, training }: Pretraining,
  { onEvent = () => {}, signal }: PretrainOptions,
): Promise<number | undefined> {
  const { steps, lr, warmupSteps, finalRate, weightDecay, maxGradNorm, saveEvery, evaluateEvery } = settings;
  const blocks = new TokenBlocks(sources.tokens, settings);
  const parameters = trainer.state.weights.reduce((sum, { data }) => sum + data.length, 0);
  onEvent({ type: 'start', parameters, steps });
  if (from > 0) onEvent({ type: 'resume', step: from });
  const held = consecutiveBatches(sources.heldOut, settings, settings.evaluateBlocks);
  let heldOutLoss = from === steps ? await meanLoss(trainer, held) : undefined;
  const save = (step: number) => {
    const { weights, optimizer } = trainer.state;
    const state = { matrices: weights, optimizer, objective: {} };
    return folder.saveState(NAME, training, { step, state });
  };
  const oneStep = async (step: number) => {
    const loss = await trainer.forwardBackward(blocks.batch(step));
    const rate = lr * cosineFactor(step, steps, warmupSteps, finalRate);
    const { gradNorm } = trainer.optimStep({ lr: rate, weightDecay, maxGradNorm });
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm) || firstNotFinite(trainer.state.weights)) {
      throw diverged(step, lr, 'the loss, its gradient or a weight is');
    }
    const done = step + 1;
    onEvent({ type: 'step', step: done, steps, loss, lr: rate });
    const isMeasured = done % evaluateEvery === 0 || done === steps;
    if (isMeasured) {
      heldOutLoss = await meanLoss(trainer, held);
      if (heldOutLoss !== undefined && !Number.isFinite(heldOutLoss)) throw diverged(step, lr, 'the held-out loss is');
      if (heldOutLoss !== undefined) onEvent({ type: 'held-out', step: done, loss: heldOutLoss });
    }
    return { loss, ...(isMeasured && { held_out_loss: heldOutLoss }), grad_norm: gradNorm, lr: rate };
  };
  await runSteps(folder, { name: NAME, from, steps, saveEvery, signal }, { step: oneStep, save });
  if (from < steps && steps % saveEvery !== 0) await save(steps);
  return heldOutLoss;
}

function diverged(step: number, lr: number, what: string): IdiolectError {
  return new IdiolectError(
    'DIVERGED',
    `training diverged in step ${step + 1}: ${what} not finite. Lower the rate (${lr} now) and train again.`,
  );
}

/** Over all tokens of the batches; the last one may be smaller. */
async function meanLoss(trainer: FullTrainer, batches: readonly Uint16Array[][]): Promise<number | undefined> {
  let sum = 0;
  let blocks = 0;
  for (const batch of batches) {
    sum += batch.length * (await trainer.loss(batch));
    blocks += batch.length;
  }
  return blocks > 0 ? sum / blocks : undefined;
}

function requireKnown(tokens: Uint16Array, vocabSize: number): void {
  const beyond = tokens.find(id => id >= vocabSize);
  if (beyond === undefined) return;
  throw new IdiolectError(
    'DATA',
    `token id ${beyond} is beyond vocab_size ${vocabSize}. Make the token file with the tokenizer of this model.`,
  );
}
