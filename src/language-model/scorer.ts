/** Log-likelihood of completions, with or without an adapter. */

import { IdiolectError } from '../common/errors.ts';
import type { Session } from '../engine/session.ts';
import { type Feeds, float32, floats } from '../engine/tensor.ts';
import { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { CACHE_LENGTHS, Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import { frozenWeights } from '../model/frozen-weights.ts';
import type { LoraConfig, LoraMatrices } from '../model/lora.ts';
import type { RopeSource } from '../model/rope.ts';
import { packBatch, type TokenSequence } from './batch.ts';
import { openSession, type RunnableModel } from './model-session.ts';

export interface Score {
  /** log pi(completion | prompt), natural logarithm, summed over tokens. */
  readonly logProb: number;
  /** Completion tokens, the end token included. */
  readonly tokens: number;
}

/**
 * The scoring graph: the decoder and the log-probability of each completion token, with dropout where training needs
 * it, and continuing from a cache where it is `cached`.
 */
export function scoringGraph(
  checkpoint: Checkpoint,
  lora?: LoraConfig,
  { dropout = false, cached = false }: { dropout?: boolean; cached?: boolean } = {},
): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['completions']);
  const targets = g.input('targets', 'int64', ['completions']);
  const cacheLengths = cached ? g.input(CACHE_LENGTHS, 'int64', ['sequences']) : undefined;
  const decoder = new Decoder(g, frozenWeights(g, checkpoint));
  const adapter = lora && loraInputs(g, lora, checkpoint.linears, { dropout });
  const hidden = decoder.hidden(inputs, selected, { lora: adapter, cacheLengths });
  g.output('token_log_probs', decoder.logProbs(hidden, targets));
  return g;
}

/** LoRA matrices as inputs of a graph. */
export function loraFeeds(matrices: LoraMatrices): Feeds {
  return Object.fromEntries(matrices.map(({ name, shape, data }) => [name, float32(data, shape)]));
}

export class Scorer {
  readonly #session: Session;
  readonly #rope: RopeSource;

  private constructor(session: Session, rope: RopeSource) {
    this.#session = session;
    this.#rope = rope;
  }

  static async create(model: RunnableModel, lora?: LoraConfig): Promise<Scorer> {
    return new Scorer(await openSession(model, scoringGraph(model.checkpoint, lora)), model.rope);
  }

  /**
   * Scores one sequence by itself. The result depends only on the sequence and the weights, so it can be cached by
   * content, and a run that finds it in the cache computes the same adapters, bit for bit.
   *
   * @throws IdiolectError ENGINE when the result is not a number
   */
  async score(sequence: TokenSequence, matrices: LoraMatrices = []): Promise<Score> {
    const logProbs = await this.tokenLogProbs(sequence, matrices);
    return { logProb: logProbs.reduce((a, b) => a + b, 0), tokens: logProbs.length };
  }

  /**
   * log pi(token | preceding tokens) of each completion token, including the end token; `score` is their sum.
   *
   * @throws IdiolectError ENGINE when one is not a finite number
   */
  async tokenLogProbs(sequence: TokenSequence, matrices: LoraMatrices = []): Promise<Float32Array> {
    const { feeds } = packBatch([sequence], this.#rope);
    const { token_log_probs } = await this.#session.run({ ...feeds, ...loraFeeds(matrices) });
    return finiteLogProbs(floats(token_log_probs!), matrices.length > 0);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** @throws IdiolectError ENGINE when a log-probability is NaN or infinite, which would make all results meaningless */
export function finiteLogProbs(logProbs: Float32Array, hasAdapter: boolean): Float32Array {
  const wrong = logProbs.find(value => !Number.isFinite(value));
  if (wrong === undefined) return logProbs;
  const advice = hasAdapter
    ? "The adapter's weights are too large, as after training with too high a rate; train it again with a lower `lr`."
    : 'Check the weights of the model with idiolect doctor.';
  throw new IdiolectError('ENGINE', `the log-probability of a token is ${wrong}, not a finite number. ${advice}`);
}
