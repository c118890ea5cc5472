/**
 * Training of every weight of a model: forward and backward of a batch of token blocks, an optimiser step, and the whole
 * state to save and restore.
 */
import { invariant } from '../common/errors.ts';
import { type EngineOptions, Session } from '../engine/session.ts';
import { type Feeds, float32, floats, int64 } from '../engine/tensor.ts';
import { packRows } from '../language-model/batch.ts';
import type { ModelConfig } from '../model/config.ts';
import { type RopeSource, ropeSource } from '../model/rope.ts';
import type { NamedTensor } from '../model/safetensors.ts';
import { type AdamWState, adamwStep, clipGradients, initialAdamW } from '../training/adamw.ts';
import { fullTrainingGraph, lossGraph } from '../training/graphs.ts';
import type { OptimStepOptions } from '../training/trainer.ts';

/** All that a step changes. Restoring it and continuing is the same as never having stopped, bit for bit. */
export interface FullTrainerState {
  /** Every weight, in the order of `weightShapes`; changed in place. */
  readonly weights: readonly NamedTensor[];
  readonly optimizer: AdamWState;
}

/** Tokens one after the other; each but the first is predicted from those before it. */
export type TokenBlock = ArrayLike<number>;

/** Short of AdamW's usual 0.999, as is customary where a model is trained from nothing (Brown et al. 2020, appendix B). */
const BETA2 = 0.95;

export class FullTrainer {
  readonly #config: ModelConfig;
  readonly #engine: EngineOptions;
  readonly #rope: RopeSource;
  readonly #state: FullTrainerState;
  /** The weights as the engine reads them: the same memory that the optimiser writes. */
  readonly #weightFeeds: Feeds;
  #training: Promise<Session> | undefined;
  #scoring: Promise<Session> | undefined;
  #pending: Float32Array[] | null = null;

  /** @param state to continue from; the trainer changes it */
  constructor(config: ModelConfig, state: FullTrainerState, engine: EngineOptions) {
    this.#config = config;
    this.#engine = engine;
    this.#rope = ropeSource(config);
    this.#state = state;
    this.#weightFeeds = Object.fromEntries(state.weights.map(({ name, shape, data }) => [name, float32(data, shape)]));
  }

  /** The state by reference: copy or write it before the next step. */
  get state(): FullTrainerState {
    return this.#state;
  }

  /**
   * Loss and gradients of a batch; the gradients wait for `optimStep`.
   *
   * @returns minus the mean log-probability of the predicted tokens, in nats
   */
  async forwardBackward(blocks: readonly TokenBlock[]): Promise<number> {
    this.#training ??= Session.create(fullTrainingGraph(this.#config), this.#engine);
    const session = await this.#training;
    const results = await session.run({ ...this.#weightFeeds, ...blockFeeds(blocks, this.#rope) });
    this.#pending = this.#state.weights.map(({ name }) => floats(results[`gradient.${name}`]!));
    return floats(results.loss!)[0]!;
  }

  /** The gradients of the last `forwardBackward`, by the weights' names. */
  gradients(): ReadonlyMap<string, Float32Array> {
    invariant(this.#pending, 'forwardBackward comes before gradients');
    return new Map(this.#state.weights.map(({ name }, i) => [name, this.#pending![i]!]));
  }

  /** Clips the waiting gradients and applies AdamW; matrices decay, norms and biases do not. */
  optimStep({ lr, weightDecay, maxGradNorm }: OptimStepOptions): { readonly gradNorm: number } {
    invariant(this.#pending, 'forwardBackward comes before optimStep');
    const { weights, optimizer } = this.#state;
    const gradNorm = clipGradients(this.#pending, maxGradNorm);
    const decay = weights.map(({ shape }) => (shape.length > 1 ? weightDecay : 0));
    adamwStep(
      weights.map(({ data }) => data),
      this.#pending,
      optimizer,
      lr,
      decay,
      BETA2,
    );
    this.#pending = null;
    return { gradNorm };
  }

  /** The loss alone, as `forwardBackward` gives it. */
  async loss(blocks: readonly TokenBlock[]): Promise<number> {
    this.#scoring ??= Session.create(lossGraph(this.#config), this.#engine);
    const session = await this.#scoring;
    const results = await session.run({ ...this.#weightFeeds, ...blockFeeds(blocks, this.#rope) });
    return floats(results.loss!)[0]!;
  }

  async release(): Promise<void> {
    await (await this.#training)?.release();
    await (await this.#scoring)?.release();
    this.#training = undefined;
    this.#scoring = undefined;
  }
}

export function initialState(weights: readonly NamedTensor[]): FullTrainerState {
  return { weights, optimizer: initialAdamW(weights.map(({ data }) => data)) };
}

/** The last token of a block is only ever predicted; a dummy row, where lengths differ, has no share in the loss. */
export function blockFeeds(blocks: readonly TokenBlock[], rope: RopeSource): Feeds {
  const rows = blocks.map(block => Array.from(block));
  const { feeds, tokens } = packRows(
    rows.map(ids => ids.slice(0, -1)),
    rope,
  );
  const targets = new Array<number>(tokens).fill(0);
  const predicted = rows.flatMap(ids => ids.slice(1));
  predicted.forEach((id, row) => {
    targets[row] = id;
  });
  const shares = new Float32Array(tokens).fill(1 / predicted.length, 0, predicted.length);
  return { ...feeds, targets: int64(targets), shares: float32(shares, [tokens]) };
}
