/** Keys and values of the tokens decoded so far, for sequences that are decoded together. */

import { type Feeds, float32, floats, int64, type Tensor } from '../engine/tensor.ts';
import type { ModelConfig } from '../model/config.ts';
import { CACHE_LENGTHS, cacheNames } from '../model/decoder.ts';

/** Room grows by this many tokens at a time, so that the cache is seldom copied and little of it is unused. */
const ROOM_STEP = 32;

/**
 * Has one slot per sequence; the slots in use are the first ones. A session only reads the cache, and new keys and
 * values are written into it in place, so that a step does not copy those of earlier steps.
 */
export class KeyValueCache {
  readonly #config: ModelConfig;
  readonly #lengths: number[] = [];
  #capacity = 1;
  /** Keys and values of each layer, [slots, kvHeads, capacity, headDim]. */
  #buffers: Float32Array[];
  readonly #slots: number;

  constructor(config: ModelConfig, slots: number) {
    this.#config = config;
    this.#slots = slots;
    this.#buffers = this.#allocate();
  }

  /** Number of tokens held for each sequence. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  /**
   * The inputs of the decoding graph for the sequences from slot `first` on: [sequences, kvHeads, capacity, headDim].
   */
  feeds(first: number): Feeds {
    const { kvHeads, headDim } = this.#config;
    const lengths = this.#lengths.slice(first);
    // Slots just opened are empty, so the graph gets none of their room but the one place it requires.
    const empty = lengths.every(length => length === 0);
    const shape = [lengths.length, kvHeads, empty ? 1 : this.#capacity, headDim];
    const part = (buffer: Float32Array) =>
      empty
        ? new Float32Array(lengths.length * kvHeads * headDim)
        : buffer.subarray(first * this.#slotSize, this.#lengths.length * this.#slotSize);
    const names = namesOfLayers(this.#config, 'past');
    return {
      [CACHE_LENGTHS]: int64(lengths),
      ...Object.fromEntries(names.map((name, i) => [name, float32(part(this.#buffers[i]!), shape)])),
    };
  }

  /** Opens the next slots for new sequences, without any tokens yet. */
  open(count: number): void {
    for (let i = 0; i < count; i++) this.#lengths.push(0);
  }

  /**
   * Appends the results of a run to the slots.
   *
   * @param results  new keys and values, [sequences, kvHeads, length, headDim]
   * @param first    slot of the first of these sequences
   * @param counts   new tokens of each
   */
  append(results: Readonly<Record<string, Tensor>>, first: number, counts: readonly number[]): void {
    const { kvHeads, headDim } = this.#config;
    const starts = counts.map((_, i) => this.#lengths[first + i]!);
    counts.forEach((count, i) => {
      this.#lengths[first + i] = starts[i]! + count;
    });
    this.#fit();
    namesOfLayers(this.#config, 'present').forEach((name, b) => {
      const source = floats(results[name]!);
      const length = results[name]!.dims[2]!;
      const target = this.#buffers[b]!;
      counts.forEach((count, i) => {
        for (let head = 0; head < kvHeads; head++) {
          const from = (i * kvHeads + head) * length * headDim;
          const to = (((first + i) * kvHeads + head) * this.#capacity + starts[i]!) * headDim;
          target.set(source.subarray(from, from + count * headDim), to);
        }
      });
    });
  }

  /** Opens the next slot for another sequence, as a copy of `slot`. */
  fork(slot: number): void {
    const size = this.#slotSize;
    for (const buffer of this.#buffers) {
      buffer.copyWithin(this.#lengths.length * size, slot * size, (slot + 1) * size);
    }
    this.#lengths.push(this.#lengths[slot]!);
  }

  /** Frees a slot; the last one moves into its place. */
  close(slot: number): void {
    const last = this.#lengths.length - 1;
    this.#lengths[slot] = this.#lengths[last]!;
    this.#lengths.pop();
    if (slot === last) return;
    const size = this.#slotSize;
    for (const buffer of this.#buffers) buffer.copyWithin(slot * size, last * size, (last + 1) * size);
  }

  get #slotSize(): number {
    return this.#config.kvHeads * this.#capacity * this.#config.headDim;
  }

  #allocate(): Float32Array[] {
    return namesOfLayers(this.#config, 'past').map(() => new Float32Array(this.#slots * this.#slotSize));
  }

  /** Grows the room to the longest sequence, or shrinks it where half or more is no longer needed. */
  #fit(): void {
    const needed = Math.ceil(Math.max(...this.#lengths) / ROOM_STEP) * ROOM_STEP;
    if (needed <= this.#capacity && needed > this.#capacity / 2) return;
    const { kvHeads, headDim } = this.#config;
    const [before, old] = [this.#buffers, this.#capacity];
    const kept = Math.min(old, needed) * headDim;
    this.#capacity = needed;
    this.#buffers = this.#allocate();
    this.#buffers.forEach((buffer, b) => {
      for (let row = 0; row < this.#lengths.length * kvHeads; row++) {
        const from = row * old * headDim;
        buffer.set(before[b]!.subarray(from, from + kept), row * needed * headDim);
      }
    });
  }
}

/** Names of keys and values, layer by layer, as inputs (`past`) or outputs (`present`) of the graph. */
function namesOfLayers({ layers }: ModelConfig, side: 'past' | 'present'): string[] {
  return Array.from({ length: layers }, (_, layer) => cacheNames(layer)[side]).flat();
}
