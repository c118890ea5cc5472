/**
 * Where the graph of a decoder takes its weights from: the model's files, inputs of the graph where they are trained, or
 * an 8-bit base (int8/weights.ts). Everything the decoder multiplies by is behind this interface.
 */
import {
  concat,
  type Graph,
  gather,
  gemm,
  headBlock,
  linear,
  tokenLogProbs,
  trainedTokenLogProbs,
  type Value,
} from '../graph/index.ts';
import { type Checkpoint, weightShapes } from './checkpoint.ts';
import type { ModelConfig } from './config.ts';
import { type LinearModule, linearModules } from './modules.ts';
import { StoredTensors } from './stored-tensors.ts';

export interface WeightSource {
  readonly config: ModelConfig;
  readonly linears: readonly LinearModule[];
  /** A weight of few numbers, of a norm or a bias, in the type of the computation. */
  vector(name: string): Value;
  /** The embeddings of `ids`, [n, hiddenSize]. */
  embed(ids: Value): Value;
  /** x Wᵀ + bias of a linear layer. */
  linear(x: Value, path: string, bias: Value | undefined): Value;
  /** Log-probability of `targets` (int64 [n]), one for each row of hidden [n, hiddenSize]; [n]. */
  logProbs(hidden: Value, targets: Value): Value;
  /** Logits over the vocabulary for each row of hidden [n, hiddenSize]; [n, vocabSize]. */
  logits(hidden: Value): Value;
}

/** The embeddings, and the output matrix of a model that has no other. */
export const EMBEDDINGS = 'model.embed_tokens.weight';

export function headName({ tiedHead }: ModelConfig): string {
  return tiedHead ? EMBEDDINGS : 'lm_head.weight';
}

/** Rows of the output matrix that one product of the head covers; bounds the head's scratch memory. */
const HEAD_BLOCK = 32_768;

/** The weights of a checkpoint: frozen, and read where they are. */
export class FileWeights implements WeightSource {
  readonly config: ModelConfig;
  readonly linears: readonly LinearModule[];
  readonly #g: Graph;
  readonly #stored: StoredTensors;

  constructor(g: Graph, checkpoint: Checkpoint) {
    this.#g = g;
    this.#stored = new StoredTensors(g, checkpoint);
    this.config = checkpoint.config;
    this.linears = checkpoint.linears;
  }

  vector(name: string): Value {
    return this.#stored.float(name);
  }

  embed(ids: Value): Value {
    return this.#stored.asFloat(gather(this.#g, this.#stored.value(EMBEDDINGS), ids));
  }

  linear(x: Value, path: string, bias: Value | undefined): Value {
    return linear(this.#g, x, this.vector(`${path}.weight`), bias);
  }

  logProbs(hidden: Value, targets: Value): Value {
    const blocks = this.#headBlocks().map(weight => headBlock(this.#g, weight));
    return tokenLogProbs(this.#g, hidden, this.#stored.value(headName(this.config)), blocks, targets);
  }

  logits(hidden: Value): Value {
    const parts = this.#headBlocks().map(weight => gemm(this.#g, hidden, weight, { transB: true }));
    return parts.length === 1 ? parts[0]! : concat(this.#g, parts, 1);
  }

  #headBlocks(): Value[] {
    return this.#stored.rowBlocks(headName(this.config), HEAD_BLOCK);
  }
}

/** Weights that are inputs of the graph, for training all of them. */
export class TrainedWeights implements WeightSource {
  readonly config: ModelConfig;
  readonly linears: readonly LinearModule[];
  /** Every weight by its name in a checkpoint, in the order of `weightShapes`. */
  readonly values: ReadonlyMap<string, Value>;
  readonly #g: Graph;

  constructor(g: Graph, config: ModelConfig) {
    this.#g = g;
    this.config = config;
    this.linears = linearModules(config);
    this.values = new Map([...weightShapes(config)].map(([name, shape]) => [name, g.input(name, 'float32', shape)]));
  }

  vector(name: string): Value {
    return this.values.get(name)!;
  }

  embed(ids: Value): Value {
    return gather(this.#g, this.vector(EMBEDDINGS), ids);
  }

  linear(x: Value, path: string, bias: Value | undefined): Value {
    return linear(this.#g, x, this.vector(`${path}.weight`), bias);
  }

  logProbs(hidden: Value, targets: Value): Value {
    return trainedTokenLogProbs(this.#g, hidden, this.vector(headName(this.config)), targets);
  }

  logits(hidden: Value): Value {
    return gemm(this.#g, hidden, this.vector(headName(this.config)), { transB: true });
  }
}
