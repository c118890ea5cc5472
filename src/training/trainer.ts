/**
 * The training primitives over one session: forward and backward of a batch, an optimiser step, and the whole state
 * to save and restore. One trainer serves user after user: the session knows no user.
 */
import { invariant } from '../common/errors.ts';
import { type Random, random } from '../common/random.ts';
import { Graph, gemm, gradients, reshape } from '../graph/index.ts';
import type { Adapter } from '../model/adapter.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import { initialMatrices, keepName, type LoraConfig, type LoraMatrices, targetedModules } from '../model/lora.ts';
import type { Example, Objective, ObjectiveState } from '../objectives/objective.ts';
import { type PackedBatch, packBatch, type TokenSequence } from '../runtime/batch.ts';
import type { LanguageModel } from '../runtime/language-model.ts';
import { loraFeeds } from '../runtime/scorer.ts';
import { Session } from '../runtime/session.ts';
import { type Feeds, floats, uint8 } from '../runtime/tensor.ts';
import { type AdamWState, adamwStep, clipGradients, initialAdamW } from './adamw.ts';

/** A record of a batch: its tokens, its group, its reference score. */
export interface TrainingExample extends TokenSequence, Example {}

/** Numbers a step reports, by name. */
export type StepMetrics = Readonly<Record<string, number>>;

/** All that a step changes. Restoring it and going on is the same as never having stopped, bit for bit. */
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

/** The training graph: decoder with LoRA, loss, and the gradient of every LoRA matrix. */
export function trainingGraph(checkpoint: Checkpoint, lora: LoraConfig, objective: Objective): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['completions']);
  const targets = g.input('targets', 'int64', ['completions']);
  const membership = g.input('membership', 'float32', ['sequences', 'completions']);
  const adapter = loraInputs(g, lora, checkpoint.linears, { dropout: true });
  const decoder = new Decoder(g, checkpoint);
  const tokenLogProbs = decoder.logProbs(decoder.hidden(inputs, selected, { lora: adapter }), targets);
  const loss = g.scope(objective.name, () => {
    const column = reshape(g, tokenLogProbs, ['completions', 1]);
    const sequenceLogProbs = reshape(g, gemm(g, membership, column), ['sequences']);
    return objective.build(g, { tokenLogProbs, sequenceLogProbs });
  });
  g.output('loss', loss);
  g.scope('backward', () => {
    const found = gradients(g, loss, adapter.matrices, g.scalar(1));
    adapter.matrices.forEach((matrix, i) => void g.output(`gradient.${matrix.name}`, found[i]!));
  });
  return g;
}

/** What a trainer needs of a model; it never reads text. */
export type TrainableModel = Pick<LanguageModel, 'checkpoint' | 'engine' | 'rope'>;

export class Trainer {
  readonly lora: LoraConfig;
  readonly #model: TrainableModel;
  readonly #session: Session;
  #objective: Objective;
  #state: TrainerState;
  #pending: Float32Array[] | null = null;

  private constructor(model: TrainableModel, session: Session, lora: LoraConfig, objective: Objective) {
    this.#model = model;
    this.#session = session;
    this.#objective = objective;
    this.lora = lora;
    this.#state = this.#fresh(random(0));
  }

  /** Compiles the training graph of a model, LoRA settings and an objective; the adapter starts fresh. */
  static async create(model: TrainableModel, lora: LoraConfig, objective: Objective): Promise<Trainer> {
    const { checkpoint, engine } = model;
    const session = await Session.create(trainingGraph(checkpoint, lora, objective), engine, checkpoint.weightsFolder);
    return new Trainer(model, session, lora, objective);
  }

  /** Starts another user: a fresh adapter, optimiser and objective state. Nothing of the last user stays. */
  reset(source: Random, objective: Objective = this.#objective): void {
    invariant(objective.name === this.#objective.name, 'one trainer serves one kind of objective');
    this.#objective = objective;
    this.#state = this.#fresh(source);
    this.#pending = null;
  }

  /** Goes on from a saved state. */
  restore(state: TrainerState, objective: Objective = this.#objective): void {
    invariant(objective.name === this.#objective.name, 'one trainer serves one kind of objective');
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
   * Loss and gradients of a batch. The gradients wait for `optimStep`; the objective's running state moves on.
   *
   * @param dropout the source of dropout masks; needed when the LoRA settings have dropout
   * @returns the loss under `loss` and the objective's own numbers
   */
  async forwardBackward(batch: readonly TrainingExample[], dropout?: Random): Promise<StepMetrics> {
    const packed = packBatch(batch, this.#model.rope);
    const results = await this.#session.run({
      ...packed.feeds,
      ...loraFeeds(this.#state.matrices),
      ...this.#dropoutFeeds(packed, dropout),
      ...this.#objective.feeds(batch, packed, this.#state.objective),
    });
    const named = (prefix: string) =>
      Object.fromEntries(
        Object.entries(results).flatMap(([name, tensor]) =>
          name.startsWith(prefix) ? [[name.slice(prefix.length), floats(tensor)[0]!]] : [],
        ),
      );
    this.#pending = this.#state.matrices.map(({ name }) => floats(results[`gradient.${name}`]!));
    this.#state = { ...this.#state, objective: { ...this.#state.objective, ...named('state.') } };
    return { loss: floats(results.loss!)[0]!, ...named('metric.') };
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
    await this.#session.release();
  }

  #fresh(source: Random): TrainerState {
    const matrices = initialMatrices(this.lora, this.#model.checkpoint.linears, source);
    const optimizer = initialAdamW(matrices.map(({ data }) => data));
    return { matrices, optimizer, objective: this.#objective.initialState };
  }

  /** One mask for each adapted layer, as PEFT draws them: 1 where kept. */
  #dropoutFeeds({ tokens }: PackedBatch, source: Random | undefined): Feeds {
    const { loraDropout } = this.lora;
    if (loraDropout === 0) return {};
    invariant(source, 'dropout needs a random source');
    // Two 16-bit draws to a word: a rate is met to within 1/65536.
    const threshold = Math.round(loraDropout * 65_536);
    return Object.fromEntries(
      targetedModules(this.lora, this.#model.checkpoint.linears).map(({ path, inWidth }) => {
        const mask = new Uint8Array(tokens * inWidth);
        for (let i = 0; i < mask.length; i += 2) {
          const word = source.bits();
          mask[i] = (word & 0xffff) >= threshold ? 1 : 0;
          mask[i + 1] = word >>> 16 >= threshold ? 1 : 0; // beyond an odd end: ignored
        }
        return [keepName(path), uint8(mask, [tokens, inWidth])];
      }),
    );
  }
}
