/**
 * The training primitives: forward and backward of a batch, an optimiser step, and the whole state to save and
 * restore. One trainer serves all users in turn, as its sessions depend on no user.
 */
import { invariant } from '../common/errors.ts';
import { type Random, random } from '../common/random.ts';
import type { Adapter } from '../model/adapter.ts';
import { initialMatrices, type LoraConfig, type LoraMatrices } from '../model/lora.ts';
import type { Objective, ObjectiveState } from '../objectives/objective.ts';
import { type AdamWState, adamwStep, clipGradients, initialAdamW } from './adamw.ts';
import { BatchGradients, type TrainableModel, type TrainingExample } from './batch-gradient.ts';

/** Numbers a step reports, by name. */
export type StepMetrics = Readonly<Record<string, number>>;

/** Everything that a step changes. Restoring it and continuing gives the same result as never stopping, bit for bit. */
export interface TrainerState {
  readonly matrices: LoraMatrices;
  readonly optimizer: AdamWState;
  readonly objective: ObjectiveState;
}

export interface OptimStepOptions {
  readonly lr: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
}

export interface TrainerOptions {
  /** Most tokens to run through the engine at once; a larger batch takes two passes with the same gradient. */
  readonly microBatchTokens: number;
}

export class Trainer {
  readonly lora: LoraConfig;
  readonly #model: TrainableModel;
  readonly #batches: BatchGradients;
  #objective: Objective;
  #state: TrainerState;
  #pending: Float32Array[] | null = null;

  /** A trainer with a fresh adapter; graphs are compiled when the first batch needs them. */
  constructor(
    model: TrainableModel,
    lora: LoraConfig,
    objective: Objective,
    { microBatchTokens }: TrainerOptions = { microBatchTokens: Number.POSITIVE_INFINITY },
  ) {
    this.#model = model;
    this.#batches = new BatchGradients(model, lora, objective, microBatchTokens);
    this.#objective = objective;
    this.lora = lora;
    this.#state = this.#fresh(random(0));
  }

  /**
   * Starts another user: a fresh adapter, optimiser and objective state. Nothing of the previous user is kept.
   *
   * @param start an adapter of the same settings to start from instead of a fresh one; it is copied
   */
  reset(source: Random, objective: Objective = this.#objective, start?: LoraMatrices): void {
    invariant(objective.signature === this.#objective.signature, 'one trainer serves one kind of objective');
    this.#objective = objective;
    this.#state = this.#fresh(source);
    this.#state.matrices.forEach(({ data }, i) => void (start && data.set(start[i]!.data)));
    this.#pending = null;
  }

  /** Continues from a saved state. */
  restore(state: TrainerState, objective: Objective = this.#objective): void {
    invariant(objective.signature === this.#objective.signature, 'one trainer serves one kind of objective');
    this.#objective = objective;
    this.#state = state;
    this.#pending = null;
  }

  /** The state by reference: copy or write it before the next step. */
  get state(): TrainerState {
    return this.#state;
  }

  get adapter(): Adapter {
    return { config: this.lora, matrices: this.#state.matrices };
  }

  /**
   * Loss and gradients of a batch. The gradients wait for `optimStep`; the objective's running state is updated.
   *
   * @param dropout the source of dropout masks; needed when the LoRA settings have dropout
   * @returns the loss under `loss` and the objective's own numbers
   */
  async forwardBackward(batch: readonly TrainingExample[], dropout?: Random): Promise<StepMetrics> {
    const { matrices, objective: state } = this.#state;
    const result = await this.#batches.compute(batch, { matrices, objective: this.#objective, state, dropout });
    this.#pending = result.gradients;
    this.#state = { ...this.#state, objective: { ...state, ...result.state } };
    return { loss: result.loss, ...result.metrics };
  }

  /** The gradients of the last `forwardBackward`, by matrix name. */
  gradients(): ReadonlyMap<string, Float32Array> {
    invariant(this.#pending, 'forwardBackward comes before gradients');
    return new Map(this.#state.matrices.map(({ name }, i) => [name, this.#pending![i]!]));
  }

  /** Clips the waiting gradients and applies AdamW. */
  optimStep({ lr, weightDecay, maxGradNorm }: OptimStepOptions): { readonly gradNorm: number } {
    invariant(this.#pending, 'forwardBackward comes before optimStep');
    const gradNorm = clipGradients(this.#pending, maxGradNorm);
    const parameters = this.#state.matrices.map(({ data }) => data);
    adamwStep(parameters, this.#pending, this.#state.optimizer, lr, weightDecay);
    this.#pending = null;
    return { gradNorm };
  }

  async release(): Promise<void> {
    await this.#batches.release();
  }

  #fresh(source: Random): TrainerState {
    const matrices = initialMatrices(this.lora, this.#model.checkpoint.linears, source);
    const optimizer = initialAdamW(matrices.map(({ data }) => data));
    return { matrices, optimizer, objective: this.#objective.initialState };
  }
}
