/** Tensors of weight files as values of a graph, read where they are. */
import { relative } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import { cast, type DType, type FileSlice, type Graph, type Value } from '../graph/index.ts';
import type { TensorEntry } from './safetensors.ts';

/** The files that a graph's weights are in. */
export interface WeightFiles {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The folder that holds every file, links resolved; the graph names files relative to it. */
  readonly weightsFolder: string;
}

const GRAPH_TYPES: Readonly<Record<string, DType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I8: 'int8',
};

export class StoredTensors {
  readonly #g: Graph;
  readonly #files: WeightFiles;

  constructor(g: Graph, files: WeightFiles) {
    this.#g = g;
    this.#files = files;
  }

  /** A tensor in the type it is stored in. */
  value(name: string): Value {
    const entry = this.#entry(name);
    return this.#g.weight(name, GRAPH_TYPES[entry.dtype]!, entry.shape, this.#sliceOf(entry));
  }

  /** The same in float32. */
  float(name: string): Value {
    return this.asFloat(this.value(name));
  }

  /** Rows of a matrix in float32, in blocks of at most `size`. A block is a range of bytes of the same file. */
  rowBlocks(name: string, size: number): Value[] {
    const entry = this.#entry(name);
    const [rows, width] = entry.shape as [number, number];
    if (rows <= size) return [this.float(name)];
    const rowBytes = entry.length / rows;
    return blocksOf(rows, size).map(({ start, count }) => {
      const slice = this.#sliceOf(entry);
      const at = { ...slice, offset: slice.offset + start * rowBytes, length: count * rowBytes };
      const block = `${name}[${start}:${start + count}]`;
      return this.asFloat(this.#g.weight(block, GRAPH_TYPES[entry.dtype]!, [count, width], at));
    });
  }

  /** Half-precision weights are widened once, when the session starts; full-precision ones are used where they are. */
  asFloat(stored: Value): Value {
    if (stored.dtype === 'float32') return stored;
    return this.#g.once(`float ${stored.name}`, () => cast(this.#g, stored, 'float32'));
  }

  #entry(name: string): TensorEntry {
    const entry = this.#files.tensors.get(name);
    if (!entry) throw new IdiolectError('CHECKPOINT', `${this.#files.weightsFolder}: tensor "${name}" is missing.`);
    return entry;
  }

  #sliceOf({ file, offset, length }: TensorEntry): FileSlice {
    return { file: relative(this.#files.weightsFolder, file), offset, length };
  }
}

/** A range divided into blocks of at most `size`. */
export function blocksOf(total: number, size: number): { readonly start: number; readonly count: number }[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => ({
    start: i * size,
    count: Math.min(size, total - i * size),
  }));
}
