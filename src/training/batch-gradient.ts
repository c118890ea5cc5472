/**
 * Loss and gradients of a batch, in one pass where it fits into memory and in two where it does not.
 *
 * A preference loss is not a sum over records: max(0, .) and the reference point depend on the whole batch, so the
 * losses of micro-batches do not add up to it. But once the log-probabilities of all completions are known, so is the
 * coefficient dL / d log pi(y_i | x_i) of each, and the gradient of L equals that of the sum of coefficient times
 * log-probability, which does add up over micro-batches. So the log-probabilities are computed first, then the
 * coefficients, then the backward pass in micro-batches. This costs one more forward pass and never holds more than a
 * micro-batch.
 */

import { invariant } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { Session } from '../engine/session.ts';
import { type Feeds, float32, floats, uint8 } from '../engine/tensor.ts';
import { type PackedBatch, packBatch, type TokenSequence } from '../language-model/batch.ts';
import type { LanguageModel } from '../language-model/language-model.ts';
import { openSession } from '../language-model/model-session.ts';
import { loraFeeds, scoringGraph } from '../language-model/scorer.ts';
import { keepName, type LoraConfig, type LoraMatrices, targetedModules } from '../model/lora.ts';
import type { Example, Objective, ObjectiveState } from '../objectives/objective.ts';
import { ObjectiveSession, readResults } from '../objectives/objective-session.ts';
import { backwardGraph, trainingGraph } from './graphs.ts';

/** What training needs of a model; it never reads text. */
export type TrainableModel = Pick<LanguageModel, 'checkpoint' | 'engine' | 'rope'>;

/** A record of a batch: its tokens, where it comes from, its weight (1 where absent) and its reference score. */
export interface TrainingExample extends TokenSequence, Omit<Example, 'completionTokens' | 'weight'> {
  readonly weight?: number;
}

/** What the loss of a batch depends on: the current adapter, the objective and its running state. */
export interface BatchContext {
  readonly matrices: LoraMatrices;
  readonly objective: Objective;
  readonly state: ObjectiveState;
  /** The source of dropout masks; needed when the LoRA settings have dropout. */
  readonly dropout?: Random | undefined;
}

export interface BatchGradient {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly state: ObjectiveState;
  /** In the order of the LoRA matrices. */
  readonly gradients: Float32Array[];
}

interface TwoPassSessions {
  readonly forward: Session;
  readonly objective: ObjectiveSession;
  readonly backward: Session;
}

export class BatchGradients {
  readonly #model: TrainableModel;
  readonly #lora: LoraConfig;
  readonly #objective: Objective;
  readonly #microBatchTokens: number;
  #onePass: Promise<Session> | undefined;
  #twoPass: Promise<TwoPassSessions> | undefined;

  /**
   * @param objective any objective with the signature of those that batches will use
   * @param microBatchTokens most tokens to run through the engine at once; a longer sequence runs by itself
   */
  constructor(model: TrainableModel, lora: LoraConfig, objective: Objective, microBatchTokens: number) {
    this.#model = model;
    this.#lora = lora;
    this.#objective = objective;
    this.#microBatchTokens = microBatchTokens;
  }

  /** Without dropout, both ways give the same gradient up to float32 rounding. */
  async compute(batch: readonly TrainingExample[], context: BatchContext): Promise<BatchGradient> {
    invariant(context.objective.signature === this.#objective.signature, 'one set of sessions serves one signature');
    const examples = batch.map(
      ({ ids, promptLength, group, referenceLogProb, weight = 1 }): Example => ({
        group,
        weight,
        referenceLogProb,
        completionTokens: ids.length - promptLength,
      }),
    );
    const parts = microBatches(batch, this.#microBatchTokens);
    if (parts.length > 1) return this.#inTwoPasses(parts, examples, context);
    this.#onePass ??= this.#open(trainingGraph(this.#model.checkpoint, this.#lora, this.#objective));
    const session = await this.#onePass;
    const { matrices, objective, state } = context;
    const results = await session.run({ ...this.#feeds(batch, context), ...objective.feeds(examples, state) });
    const gradients = matrices.map(({ name }) => floats(results[`gradient.${name}`]!));
    return { ...readResults(results), gradients };
  }

  async #inTwoPasses(
    parts: readonly (readonly TrainingExample[])[],
    examples: readonly Example[],
    context: BatchContext,
  ): Promise<BatchGradient> {
    this.#twoPass ??= this.#openTwoPass();
    const { forward, objective, backward } = await this.#twoPass;
    // With dropout the second pass needs the masks of the first.
    const feeds = this.#lora.loraDropout > 0 ? parts.map(part => this.#feeds(part, context)) : null;
    const feedsOf = (i: number) => feeds?.[i] ?? this.#feeds(parts[i]!, context);

    const logProbs: number[] = [];
    for (const [i, part] of parts.entries()) {
      const { token_log_probs } = await forward.run(feedsOf(i));
      logProbs.push(...sumPerSequence(floats(token_log_probs!), part));
    }
    const judged = await objective.evaluate(context.objective, logProbs, examples, context.state);

    const gradients = context.matrices.map(({ data }) => new Float32Array(data.length));
    let start = 0;
    for (const [i, part] of parts.entries()) {
      const coefficients = judged.gradient.slice(start, start + part.length);
      start += part.length;
      // Records of a clipped risk, and those that only move the reference point, have no gradient.
      if (coefficients.every(coefficient => coefficient === 0)) continue;
      const results = await backward.run({
        ...feedsOf(i),
        coefficients: float32(coefficients, [coefficients.length]),
      });
      context.matrices.forEach(({ name }, m) => {
        const sum = gradients[m]!;
        floats(results[`gradient.${name}`]!).forEach((value, at) => {
          sum[at]! += value;
        });
      });
    }
    return { ...judged, gradients };
  }

  async release(): Promise<void> {
    await (await this.#onePass)?.release();
    const two = await this.#twoPass;
    for (const session of two ? [two.forward, two.objective, two.backward] : []) await session.release();
    this.#onePass = undefined;
    this.#twoPass = undefined;
  }

  async #openTwoPass(): Promise<TwoPassSessions> {
    const { checkpoint, engine } = this.#model;
    return {
      forward: await this.#open(scoringGraph(checkpoint, this.#lora, { dropout: true })),
      objective: await ObjectiveSession.create(this.#objective, engine),
      backward: await this.#open(backwardGraph(checkpoint, this.#lora)),
    };
  }

  #open(graph: Parameters<typeof Session.create>[0]): Promise<Session> {
    return openSession(this.#model, graph);
  }

  #feeds(sequences: readonly TokenSequence[], { matrices, dropout }: BatchContext): Feeds {
    const packed = packBatch(sequences, this.#model.rope);
    return { ...packed.feeds, ...loraFeeds(matrices), ...this.#dropoutFeeds(packed, dropout) };
  }

  /** One mask for each adapted layer, as PEFT draws them: 1 where kept. */
  #dropoutFeeds({ tokens }: PackedBatch, source: Random | undefined): Feeds {
    const { loraDropout } = this.#lora;
    if (loraDropout === 0) return {};
    invariant(source, 'dropout needs a random source');
    // Two 16-bit draws per word: the dropout rate is exact to within 1/65536.
    const threshold = Math.round(loraDropout * 65_536);
    return Object.fromEntries(
      targetedModules(this.#lora, this.#model.checkpoint.linears).map(({ path, inWidth }) => {
        const mask = new Uint8Array(tokens * inWidth);
        for (let i = 0; i < mask.length; i += 2) {
          const word = source.bits();
          mask[i] = (word & 0xffff) >= threshold ? 1 : 0;
          mask[i + 1] = word >>> 16 >= threshold ? 1 : 0; // past the end of an odd length: ignored
        }
        return [keepName(path), uint8(mask, [tokens, inWidth])];
      }),
    );
  }
}

/**
 * Divides a batch, in order, into parts of at most `microBatchTokens` tokens; a longer sequence is a part of its own.
 */
export function microBatches<T extends TokenSequence>(batch: readonly T[], microBatchTokens: number): T[][] {
  const parts: T[][] = [];
  let room = 0;
  for (const example of batch) {
    const tokens = example.ids.length - 1; // the last token is only ever predicted
    if (parts.length === 0 || tokens > room) {
      parts.push([]);
      room = microBatchTokens;
    }
    parts.at(-1)!.push(example);
    room -= tokens;
  }
  return parts;
}

function sumPerSequence(tokenLogProbs: Float32Array, sequences: readonly TokenSequence[]): number[] {
  let start = 0;
  return sequences.map(({ ids, promptLength }) => {
    const end = start + ids.length - promptLength;
    const sum = tokenLogProbs.subarray(start, end).reduce((a, b) => a + b, 0);
    start = end;
    return sum;
  });
}
