/** Makes a model's 8-bit base: one file with all that its graphs read, for use in place. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Checkpoint } from '../checkpoint.ts';
import { weightShapes } from '../checkpoint.ts';
import { layOut, readFloats, type TensorSpec } from '../safetensors.ts';
import { blocksOf } from '../stored-tensors.ts';
import { headName } from '../weight-source.ts';
import { HEAD, HEAD_BLOCK, inputOf, integerModules, names, roundingOf } from './layout.ts';
import { type QuantizedMatrix, quantizeBackward, quantizeForward } from './quantize.ts';
import { type InputRanges, smoothingFactors } from './smoothing.ts';

/** Every tensor of the file, floats before bytes so that each starts where its type may. */
function tensorsOf(checkpoint: Checkpoint): TensorSpec[] {
  const { config } = checkpoint;
  const integers = integerModules(checkpoint);
  const floats: TensorSpec[] = [];
  const bytes: TensorSpec[] = [];
  const rounded = new Set(integers.map(({ path }) => `${path}.weight`));
  for (const [name, shape] of weightShapes(config)) {
    if (!rounded.has(name)) floats.push({ name, dtype: 'F32', shape });
  }
  const widths = new Map(integers.map(({ path, inWidth }) => [inputOf(path), inWidth]));
  for (const [input, width] of widths.set(HEAD, config.hiddenSize)) {
    if (roundingOf(input).migration) floats.push({ name: names.factors(input), dtype: 'F32', shape: [width] });
  }
  for (const { path, inWidth, outWidth } of integers) {
    floats.push({ name: names.scale(path, 'forward'), dtype: 'F32', shape: [outWidth] });
    floats.push({ name: names.scale(path, 'backward'), dtype: 'F32', shape: [inWidth] });
    bytes.push({ name: names.values(path, 'forward'), dtype: 'I8', shape: [inWidth, outWidth] });
    bytes.push({ name: names.values(path, 'backward'), dtype: 'I8', shape: [outWidth, inWidth] });
  }
  for (const { start, count } of blocksOf(config.vocabSize, HEAD_BLOCK)) {
    floats.push({ name: names.scale(names.headBlock(start), 'forward'), dtype: 'F32', shape: [count] });
    bytes.push({
      name: names.values(names.headBlock(start), 'forward'),
      dtype: 'I8',
      shape: [config.hiddenSize, count],
    });
  }
  return [...floats, ...bytes];
}

export interface WriteInt8Options {
  readonly metadata: Readonly<Record<string, string>>;
  /** Called before the weights of each input are read; what it throws ends the writing. */
  readonly onWeights?: () => void;
}

/**
 * Writes the base of a checkpoint. No more than the weights of one layer are in memory at a time.
 *
 * @param ranges of every input that `inputOf` names, and of the head
 */
export async function writeInt8Base(
  file: string,
  checkpoint: Checkpoint,
  ranges: InputRanges,
  { metadata, onWeights }: WriteInt8Options,
): Promise<void> {
  const specs = tensorsOf(checkpoint);
  const { header, starts } = layOut(specs, metadata);
  const handle = await open(file, 'w');
  try {
    const base = new BaseWriter(checkpoint, ranges, { handle, starts });
    await handle.write(header, 0, header.length, 0);
    const { config, tensors } = checkpoint;
    const layers = Map.groupBy(integerModules(checkpoint), ({ path }) => inputOf(path));
    for (const { name } of specs) {
      const copied = tensors.get(name);
      if (copied) await base.put(name, await readFloats(copied));
    }
    for (const [input, sharing] of layers) {
      onWeights?.();
      const paths = sharing.map(({ path }) => path);
      await base.putLayers(input, paths);
    }
    onWeights?.();
    await base.putHead(headName(config));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class BaseWriter {
  readonly #checkpoint: Checkpoint;
  readonly #ranges: InputRanges;
  readonly #handle: FileHandle;
  readonly #starts: ReadonlyMap<string, number>;

  constructor(
    checkpoint: Checkpoint,
    ranges: InputRanges,
    { handle, starts }: { handle: FileHandle; starts: ReadonlyMap<string, number> },
  ) {
    this.#checkpoint = checkpoint;
    this.#ranges = ranges;
    this.#handle = handle;
    this.#starts = starts;
  }

  async put(name: string, data: Float32Array | Int8Array): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let start = this.#starts.get(name)!;
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, start);
      done += bytesWritten;
      start += bytesWritten;
    }
  }

  /** The layers that read one input. */
  async putLayers(input: string, paths: readonly string[]): Promise<void> {
    const weights = await Promise.all(paths.map(path => readFloats(this.#checkpoint.tensors.get(`${path}.weight`)!)));
    const factors = await this.#putFactors(input, weights);
    for (const [i, path] of paths.entries()) {
      const weight = weights[i]!;
      await this.#putMatrix(path, 'forward', quantizeForward(weight, factors));
      await this.#putMatrix(path, 'backward', quantizeBackward(weight, factors.length));
    }
  }

  /** The output matrix, for the forward direction alone: its gradient is too uneven for bytes. */
  async putHead(name: string): Promise<void> {
    const weight = await readFloats(this.#checkpoint.tensors.get(name)!);
    const factors = await this.#putFactors(HEAD, [weight]);
    const width = factors.length;
    for (const { start, count } of blocksOf(this.#checkpoint.config.vocabSize, HEAD_BLOCK)) {
      const block = weight.subarray(start * width, (start + count) * width);
      await this.#putMatrix(names.headBlock(start), 'forward', quantizeForward(block, factors));
    }
  }

  /** Ones where the input is not evened out. */
  async #putFactors(input: string, weights: readonly Float32Array[]): Promise<Float32Array> {
    const range = this.#ranges.get(input)!;
    const { migration } = roundingOf(input);
    if (!migration) return range.map(() => 1);
    const factors = smoothingFactors(range, largestOfColumns(weights, range.length), migration);
    await this.put(names.factors(input), factors);
    return factors;
  }

  async #putMatrix(path: string, direction: 'forward' | 'backward', matrix: QuantizedMatrix): Promise<void> {
    await this.put(names.values(path, direction), matrix.values);
    await this.put(names.scale(path, direction), matrix.scale);
  }
}

function largestOfColumns(matrices: readonly Float32Array[], width: number): Float32Array {
  const largest = new Float32Array(width);
  for (const matrix of matrices) {
    for (let at = 0; at < matrix.length; at += width) {
      for (let i = 0; i < width; i++) largest[i] = Math.max(largest[i]!, Math.abs(matrix[at + i]!));
    }
  }
  return largest;
}
