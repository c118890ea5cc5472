/**
 * Predicts what training takes: memory by a formula, time from a few steps of the real shape, disk space by counting.
 */
import type { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { random } from '../../common/random.ts';
import type { Dataset } from '../../histories/dataset.ts';
import type { HistoryRecord } from '../../histories/index.ts';
import { countBeside } from '../../histories/user-records.ts';
import { Encoder } from '../../language-model/encoder.ts';
import type { EncodedExample, LanguageModel } from '../../language-model/language-model.ts';
import type { Checkpoint } from '../../model/checkpoint.ts';
import { type LoraConfig, loraConfigSchema, matrixShapes } from '../../model/lora.ts';
import { cbpo, type cbpoSchema } from '../../objectives/cbpo.ts';
import { objectiveNamed } from '../../objectives/objectives.ts';
import type { TrainSettings } from '../../runs/settings.ts';
import type { TrainingExample } from '../../training/batch-gradient.ts';
import { planBatches } from '../../training/plan.ts';
import { Trainer } from '../../training/trainer.ts';

/** What runs through the engine at once. */
export interface BatchShape {
  readonly tokens: number;
  /** Tokens of the longest sequence. */
  readonly longest: number;
  readonly completionTokens: number;
  /** Whether some batches need two passes, for which two more sessions are opened. */
  readonly twoPasses: boolean;
}

/** Node, the engine's library and its code, before any weight is read. */
const PROCESS_BYTES = 200e6;

/**
 * Bytes that training takes at its largest batch. The backward pass keeps, per token and layer in float32: four times
 * the hidden width (two inputs, two norms), queries and attention outputs, keys and values before and after rotation,
 * three times the inner width, and two rows of attention (scores and weights) for each head. Completion positions hold
 * their logits, about 1.7 times over while the gradient is computed (fitted, as are the two rows). F32 weights are
 * mapped from the file once; each session (training, KL probe, and two more for two passes) widens F16 and BF16 weights
 * to float32.
 *
 * Measured peaks, for batches of 64 to 2048 tokens and sequences of 64 to 1024, are within a tenth of the result.
 */
export function trainingMemory({ config, tensors }: Pick<Checkpoint, 'config' | 'tensors'>, batch: BatchShape): number {
  const { hiddenSize, intermediateSize, layers, heads, kvHeads, headDim, vocabSize } = config;
  const perLayer = 4 * hiddenSize + 2 * heads * headDim + 4 * kvHeads * headDim + 3 * intermediateSize;
  const activations = batch.tokens * layers * (perLayer + 2 * heads * batch.longest);
  const logits = 1.7 * batch.completionTokens * vocabSize;
  const sessions = batch.twoPasses ? 4 : 2;
  let weights = 0;
  for (const { dtype, length } of tensors.values()) weights += dtype === 'F32' ? length : 2 * length * sessions;
  return PROCESS_BYTES + weights + 4 * (activations + logits);
}

/** The lengths of a sample of texts, in tokens. */
export interface Lengths {
  /** Number of texts in the sample. */
  readonly texts: number;
  readonly median: number;
  readonly mean: number;
  /** 95 of 100 are at most this long. */
  readonly p95: number;
  readonly longest: number;
  /** Tokens of completions as a share of all. */
  readonly completionShare: number;
  /** Shares of the texts that lose the beginning of the prompt, or the end of the completion. */
  readonly promptsCut: number;
  readonly completionsCut: number;
}

/** Number of texts sampled; the rest are assumed to be like them. */
const SAMPLE = 500;

/** A fixed draw of records as token sequences. */
export function encodeSample(encoder: Encoder, records: readonly HistoryRecord[]): EncodedExample[] {
  const drawn =
    records.length > SAMPLE
      ? random(0, 'estimate')
          .shuffled([...records])
          .slice(0, SAMPLE)
      : records;
  return drawn.map(record => encoder.encode(record));
}

export function lengthsOf(sample: readonly EncodedExample[]): Lengths {
  const sorted = sample.map(({ ids }) => ids.length).sort((a, b) => a - b);
  const total = sorted.reduce((a, b) => a + b, 0);
  const completions = sample.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
  const shareOf = (matches: (example: EncodedExample) => boolean) => sample.filter(matches).length / sample.length;
  return {
    texts: sample.length,
    median: sorted[Math.floor((sorted.length - 1) / 2)]!,
    mean: total / sample.length,
    p95: sorted[Math.floor((sorted.length - 1) * 0.95)]!,
    longest: sorted.at(-1)!,
    completionShare: completions / total,
    promptsCut: shareOf(({ promptCut }) => promptCut),
    completionsCut: shareOf(({ completionCut }) => completionCut),
  };
}

/** The largest batch that texts of these lengths are likely to make. */
export function largestBatch(
  { p95, longest, completionShare }: Pick<Lengths, 'p95' | 'longest' | 'completionShare'>,
  { batchSize, microBatchTokens }: Pick<TrainSettings, 'batchSize' | 'microBatchTokens'>,
): BatchShape {
  const whole = batchSize * p95;
  const tokens = Math.max(longest, Math.min(whole, microBatchTokens));
  return { tokens, longest, completionTokens: tokens * completionShare, twoPasses: whole > microBatchTokens };
}

/** Tokens of a prompt and its text to assume where no data is given: a message or a short letter. */
const TYPICAL = 256;

/** @param longest tokens a text may have */
export function typicalLengths(longest: number): Pick<Lengths, 'p95' | 'longest' | 'completionShare'> {
  const tokens = Math.min(TYPICAL, longest);
  return { p95: tokens, longest: tokens, completionShare: 0.5 };
}

export interface TrainingForecast {
  readonly users: number;
  readonly steps: number;
  /** Seconds of the whole run; `likely` extrapolates what was measured. */
  readonly seconds: { readonly low: number; readonly likely: number; readonly high: number };
  readonly memoryBytes: number;
  /** What the run folder and the cache grow by. */
  readonly diskBytes: number;
}

/**
 * How far a run may be from an estimate made in two seconds: on one machine, step times vary by a tenth to a third from
 * hour to hour (docs/performance.md), and long texts cost more than their share of tokens.
 */
const RANGE = { low: 0.7, high: 1.5 };

/** Seconds to spend on measuring, and the most steps to measure. */
const BUDGET = 2;
const MOST_STEPS = 8;

/** The work of a run, counted without encoding all its texts. */
interface Work {
  readonly users: number;
  readonly steps: number;
  /** Records that go through a training step, counted each time they do. */
  readonly trained: number;
  /**
   * Records that take only a forward pass: reference scores, the embeddings that alpha is estimated from, the KL probe.
   */
  readonly scored: number;
}

/**
 * Runs a few steps of cbpo on records of the data and extrapolates to all users, in records times epochs.
 *
 * @param now seconds of a clock
 * @throws IdiolectError DATA where no record is left to train on
 */
export async function forecastTraining(
  model: LanguageModel,
  dataset: Dataset,
  settings: TrainSettings,
  now: () => number,
): Promise<TrainingForecast> {
  const records = [...dataset.users.values()].flatMap(({ train }) => train);
  if (records.length === 0) {
    throw new IdiolectError(
      'DATA',
      `${dataset.file} has no record to train on: each is held out, for its own user or another, or has label false. ` +
        'Give histories with more records.',
    );
  }
  const sample = encodeSample(new Encoder(model, settings), records);
  const lengths = lengthsOf(sample);
  const work = countWork(dataset, settings);
  const lora = loraConfigSchema.parse(settings);
  const { step, score, starting } = await measureRates(model, sample, settings, now);

  const tokens = (count: number) => count * lengths.mean;
  const likely = starting + tokens(work.trained) * step + tokens(work.scored) * score;
  return {
    users: work.users,
    steps: work.steps,
    seconds: { low: RANGE.low * likely, likely, high: RANGE.high * likely },
    memoryBytes: trainingMemory(model.checkpoint, largestBatch(lengths, settings)),
    diskBytes: diskBytes(work, lora, model.checkpoint),
  };
}

/** Seconds per token. */
export interface Rates {
  /** Through a training step. */
  readonly step: number;
  /** In a forward pass alone. */
  readonly score: number;
  /** Seconds that opening the sessions took. */
  readonly starting: number;
}

type RateSettings = Pick<TrainSettings, 'seed' | 'batchSize' | 'microBatchTokens' | 'weightDecay' | 'maxGradNorm'> &
  z.input<typeof cbpoSchema>;

/**
 * Runs a few steps of cbpo and scores a few texts of a sample.
 *
 * @param now seconds of a clock
 */
export async function measureRates(
  model: LanguageModel,
  sample: readonly EncodedExample[],
  settings: RateSettings,
  now: () => number,
): Promise<Rates> {
  const trainer = new Trainer(model, loraConfigSchema.parse(settings), cbpo({ ...settings, alpha: 0.2 }), settings);
  const source = random(settings.seed, 'estimate batches');
  const draw = () => sample[source.integer(sample.length)]!;
  const { weightDecay, maxGradNorm, batchSize } = settings;
  const begun = now();
  const step = await measure(now, async () => {
    const batch = Array.from({ length: Math.max(2, batchSize) }, (_, i): TrainingExample => {
      const { ids, promptLength } = draw();
      return { ids, promptLength, group: i % 2 === 0 ? 'target' : 'auxiliary', referenceLogProb: 0 };
    });
    await trainer.forwardBackward(batch, source);
    trainer.optimStep({ lr: 1e-4, weightDecay, maxGradNorm });
    return batch.reduce((sum, { ids }) => sum + ids.length, 0);
  }).finally(() => trainer.release());
  const score = await measure(now, async () => {
    const { ids, promptLength } = draw();
    await model.score({ ids, promptLength });
    return ids.length;
  }).finally(() => model.release());
  return {
    step: step.perToken,
    score: score.perToken,
    starting: now() - begun - step.seconds - score.seconds,
  };
}

interface Rate {
  readonly perToken: number;
  readonly seconds: number;
}

/** Seconds per token, after a first call has opened the session. @param run returns how many tokens it processed */
async function measure(now: () => number, run: () => Promise<number>): Promise<Rate> {
  await run();
  const begun = now();
  let tokens = 0;
  for (let calls = 0; calls < MOST_STEPS && (calls === 0 || now() - begun < BUDGET / 2); calls++) tokens += await run();
  const seconds = now() - begun;
  return { perToken: seconds / tokens, seconds };
}

function countWork(dataset: Dataset, settings: TrainSettings): Work {
  const { seed, epochs, batchSize, auxiliaryRatio, alpha, overlapRatio, klEvery, method } = settings;
  const objective = objectiveNamed(method);
  const { needsReference } = objective.create({ ...settings, alpha: 0 });
  const users = [...dataset.users.values()].filter(({ train }) => train.length > 0);
  const all = users.reduce((sum, { train }) => sum + train.length, 0);
  let [steps, trained, own, drawn, embedded, probed] = [0, 0, 0, 0, 0, 0];
  for (const { user, train, disliked } of users) {
    const beside = countBeside(objective.records, { own: train.length, disliked: disliked.length }, auxiliaryRatio);
    const auxiliary =
      objective.records === 'others' ? Math.min(beside.auxiliary, all - train.length) : beside.auxiliary;
    const batches = planBatches({
      ...{ user, seed, epochs, batchSize },
      ...{ targetCount: train.length, auxiliaryCount: auxiliary, dislikedCount: beside.disliked },
      paired: objective.records === 'pairs',
    });
    steps += batches.length;
    trained += epochs * (train.length + auxiliary + beside.disliked);
    own += train.length + beside.disliked;
    drawn += auxiliary;
    if (objective.usesAlpha && alpha === undefined) embedded += train.length * (1 + overlapRatio);
    // The probe runs the model twice on the own half of a batch.
    if (klEvery > 0) probed += (1 + batches.length / klEvery) * 2 * (batchSize / 2);
  }
  const referenced = needsReference ? own + Math.min(drawn, all) : 0;
  const scored = referenced + Math.min(embedded, all) + probed;
  return { users: users.length, steps, trained, scored };
}

/**
 * Adapters in float32, one user's checkpoint (the matrices and two moments), and a line per step and per scored text.
 */
function diskBytes({ users, steps, scored }: Work, lora: LoraConfig, { linears }: Checkpoint): number {
  const parameters = matrixShapes(lora, linears).reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);
  return (users + 3) * 4 * parameters + 400 * steps + 64 * scored;
}
