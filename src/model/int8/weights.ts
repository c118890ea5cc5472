/** The weight source of an 8-bit base: linear layers and the head in integers, everything else in float32. */
import {
  add,
  concat,
  evened,
  type Graph,
  gather,
  gemm,
  type HeadBlock,
  type Int8Matrix,
  int8Linear,
  int8Product,
  linear,
  tokenLogProbs,
  type Value,
} from '../../graph/index.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { ModelConfig } from '../config.ts';
import type { LinearModule } from '../modules.ts';
import { blocksOf, StoredTensors, type WeightFiles } from '../stored-tensors.ts';
import { EMBEDDINGS, headName, type WeightSource } from '../weight-source.ts';
import { HEAD, HEAD_BLOCK, inputOf, integerModules, names, roundingOf } from './layout.ts';

export class Int8Weights implements WeightSource {
  readonly config: ModelConfig;
  readonly linears: readonly LinearModule[];
  readonly #g: Graph;
  readonly #stored: StoredTensors;
  readonly #integers: ReadonlySet<string>;

  constructor(g: Graph, checkpoint: Checkpoint, base: WeightFiles) {
    this.#g = g;
    this.#stored = new StoredTensors(g, base);
    this.#integers = new Set(integerModules(checkpoint).map(({ path }) => path));
    this.config = checkpoint.config;
    this.linears = checkpoint.linears;
  }

  vector(name: string): Value {
    return this.#stored.value(name);
  }

  embed(ids: Value): Value {
    return gather(this.#g, this.#stored.value(EMBEDDINGS), ids);
  }

  linear(x: Value, path: string, bias: Value | undefined): Value {
    if (!this.#integers.has(path)) return linear(this.#g, x, this.#stored.value(`${path}.weight`), bias);
    const input = inputOf(path);
    const { bits, migration } = roundingOf(input);
    const y = int8Linear(this.#g, x, {
      forward: this.#matrix(path, 'forward'),
      backward: this.#matrix(path, 'backward'),
      factors: migration ? this.#stored.value(names.factors(input)) : undefined,
      bits,
    });
    return bias ? add(this.#g, y, bias) : y;
  }

  /** The logits are of integers; the target's own logit and the gradient are of floats. */
  logProbs(hidden: Value, targets: Value): Value {
    const table = headName(this.config);
    const rows = this.#stored.rowBlocks(table, HEAD_BLOCK);
    const blocks = this.#headMatrices().map(
      (matrix, i): HeadBlock => ({
        logits: x => this.#headProduct(x, matrix),
        expected: weights => gemm(this.#g, weights, rows[i]!),
      }),
    );
    return tokenLogProbs(this.#g, hidden, this.#stored.value(table), blocks, targets);
  }

  logits(hidden: Value): Value {
    const parts = this.#headMatrices().map(matrix => this.#headProduct(hidden, matrix));
    return parts.length === 1 ? parts[0]! : concat(this.#g, parts, 1);
  }

  #headProduct(hidden: Value, matrix: Int8Matrix): Value {
    const factors = this.#stored.value(names.factors(HEAD));
    return int8Product(this.#g, evened(this.#g, hidden, factors), matrix, roundingOf(HEAD).bits);
  }

  #headMatrices(): Int8Matrix[] {
    return blocksOf(this.config.vocabSize, HEAD_BLOCK).map(({ start }) =>
      this.#matrix(names.headBlock(start), 'forward'),
    );
  }

  #matrix(path: string, direction: 'forward' | 'backward'): Int8Matrix {
    return {
      values: this.#stored.value(names.values(path, direction)),
      scale: this.#stored.value(names.scale(path, direction)),
    };
  }
}
