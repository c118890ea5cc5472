/**
 * Where the graph of a decoder takes its weights from: files (frozen, used in place) or inputs of the graph (trained).
 * Everything the decoder multiplies by is behind this interface, so that a source may store it in another form.
 */
import { relative } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import {
  cast,
  concat,
  type DType,
  type FileSlice,
  type Graph,
  gather,
  gemm,
  linear,
  tokenLogProbs,
  trainedTokenLogProbs,
  type Value,
} from '../graph/index.ts';
import { type Checkpoint, weightShapes } from './checkpoint.ts';
import type { ModelConfig } from './config.ts';
import { type LinearModule, linearModules } from './modules.ts';
import type { TensorEntry } from './safetensors.ts';

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
const EMBEDDINGS = 'model.embed_tokens.weight';

export function headName({ tiedHead }: ModelConfig): string {
  return tiedHead ? EMBEDDINGS : 'lm_head.weight';
}

const GRAPH_TYPES: Readonly<Record<string, { dtype: DType; bytes: number }>> = {
  F32: { dtype: 'float32', bytes: 4 },
  F16: { dtype: 'float16', bytes: 2 },
  BF16: { dtype: 'bfloat16', bytes: 2 },
};

/** Rows of the output matrix that one product of the head covers; bounds the head's scratch memory. */
const HEAD_BLOCK = 32_768;

/** The weights of a checkpoint: frozen, and read where they are. */
export class FileWeights implements WeightSource {
  readonly config: ModelConfig;
  readonly linears: readonly LinearModule[];
  readonly #g: Graph;
  readonly #checkpoint: Checkpoint;

  constructor(g: Graph, checkpoint: Checkpoint) {
    this.#g = g;
    this.#checkpoint = checkpoint;
    this.config = checkpoint.config;
    this.linears = checkpoint.linears;
  }

  vector(name: string): Value {
    return this.#asFloat(this.#stored(name));
  }

  embed(ids: Value): Value {
    return this.#asFloat(gather(this.#g, this.#stored(EMBEDDINGS), ids));
  }

  linear(x: Value, path: string, bias: Value | undefined): Value {
    return linear(this.#g, x, this.vector(`${path}.weight`), bias);
  }

  logProbs(hidden: Value, targets: Value): Value {
    return tokenLogProbs(this.#g, hidden, this.#stored(headName(this.config)), this.#headBlocks(), targets);
  }

  logits(hidden: Value): Value {
    const parts = this.#headBlocks().map(({ weight }) => gemm(this.#g, hidden, weight, { transB: true }));
    return parts.length === 1 ? parts[0]! : concat(this.#g, parts, 1);
  }

  /** The output matrix in blocks of rows. A block is a range of bytes of the same file. */
  #headBlocks(): { weight: Value }[] {
    const name = headName(this.config);
    const entry = this.#entry(name);
    const [rows, width] = entry.shape as [number, number];
    if (rows <= HEAD_BLOCK) return [{ weight: this.vector(name) }];
    const rowBytes = entry.length / rows;
    const blocks: { weight: Value }[] = [];
    for (let start = 0; start < rows; start += HEAD_BLOCK) {
      const count = Math.min(HEAD_BLOCK, rows - start);
      const { dtype } = GRAPH_TYPES[entry.dtype]!;
      const slice = { ...this.#sliceOf(entry), length: count * rowBytes };
      const at = { ...slice, offset: slice.offset + start * rowBytes };
      const block = this.#g.weight(`${name}[${start}:${start + count}]`, dtype, [count, width], at);
      blocks.push({ weight: this.#asFloat(block) });
    }
    return blocks;
  }

  /** Half-precision weights are widened once, when the session starts; full-precision ones are used where they are. */
  #asFloat(stored: Value): Value {
    if (stored.dtype === 'float32') return stored;
    return this.#g.once(`float ${stored.name}`, () => cast(this.#g, stored, 'float32'));
  }

  #stored(name: string): Value {
    const entry = this.#entry(name);
    return this.#g.weight(name, GRAPH_TYPES[entry.dtype]!.dtype, entry.shape, this.#sliceOf(entry));
  }

  #entry(name: string): TensorEntry {
    const { tensors, folder } = this.#checkpoint;
    const entry = tensors.get(name);
    if (!entry) throw new IdiolectError('CHECKPOINT', `${folder}: tensor "${name}" is missing.`);
    return entry;
  }

  #sliceOf({ file, offset, length }: TensorEntry): FileSlice {
    return { file: relative(this.#checkpoint.weightsFolder, file), offset, length };
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
