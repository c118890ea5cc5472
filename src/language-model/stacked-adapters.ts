/**
 * Runs several adapters with the same settings in one batch: their matrices are stacked, and a gate selects each row's
 * own.
 */

import { type Feeds, float32 } from '../engine/tensor.ts';
import { LORA_GATE } from '../model/decoder.ts';
import type { LoraMatrices, LoraMatrix } from '../model/lora.ts';

/**
 * The matrices of the adapters that the rows of a batch use, one after the other along the rank: A [ranks, in] and
 * B [out, ranks], with ranks = adapters * r. They are kept until other adapters are needed.
 */
export class StackedAdapters {
  #adapters: readonly LoraMatrices[] = [];
  #feeds: Feeds = {};

  /**
   * Feeds for packed rows.
   *
   * @param adapterOfRow  the matrices each row is adapted by, or `null` for the model alone; at least one row has an
   *   adapter
   */
  feeds(adapterOfRow: readonly (LoraMatrices | null)[]): Feeds {
    const wanted = [...new Set(adapterOfRow)].filter(adapter => adapter !== null);
    if (wanted.length !== this.#adapters.length || wanted.some((adapter, i) => adapter !== this.#adapters[i])) {
      this.#adapters = wanted;
      this.#feeds = stacked(wanted);
    }
    const rank = rankOf(wanted[0]!);
    const ranks = wanted.length * rank;
    const gate = new Float32Array(adapterOfRow.length * ranks);
    adapterOfRow.forEach((adapter, row) => {
      if (adapter === null) return;
      const start = row * ranks + wanted.indexOf(adapter) * rank;
      gate.fill(1, start, start + rank);
    });
    return { ...this.#feeds, [LORA_GATE]: float32(gate, [adapterOfRow.length, ranks]) };
  }
}

/** Matrices A [r, in] and B [out, r] alternate, so the rank is the first size of the first one. */
function rankOf(adapter: LoraMatrices): number {
  return adapter[0]!.shape[0];
}

function stacked(adapters: readonly LoraMatrices[]): Feeds {
  const [first] = adapters;
  return Object.fromEntries(
    first!.map(({ name }, m) => {
      const { shape, data } = stack(
        adapters.map(adapter => adapter[m]!),
        m % 2 === 0 ? 0 : 1,
      );
      return [name, float32(data, shape)];
    }),
  );
}

/** Matrices of one shape joined along an axis. */
function stack(matrices: readonly LoraMatrix[], axis: 0 | 1): Pick<LoraMatrix, 'shape' | 'data'> {
  const [first] = matrices;
  if (matrices.length === 1) return first!;
  const [rows, columns] = first!.shape;
  const data = new Float32Array(matrices.length * rows * columns);
  if (axis === 0) {
    matrices.forEach((matrix, i) => void data.set(matrix.data, i * rows * columns));
    return { shape: [matrices.length * rows, columns], data };
  }
  matrices.forEach((matrix, i) => {
    for (let row = 0; row < rows; row++) {
      const part = matrix.data.subarray(row * columns, (row + 1) * columns);
      data.set(part, (row * matrices.length + i) * columns);
    }
  });
  return { shape: [rows, matrices.length * columns], data };
}
