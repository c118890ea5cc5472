/** Packs sequences into the rows a decoder graph runs on, with at most one dummy row and no padding. */
import { IdiolectError } from '../common/errors.ts';
import { type Feeds, float32, int64 } from '../engine/tensor.ts';
import type { RopeSource } from '../model/rope.ts';

/** A prompt and the text that follows it, as token ids. */
export interface TokenSequence {
  readonly ids: readonly number[];
  /** Number of prompt tokens, at least 1; the tokens after them are the completion. */
  readonly promptLength: number;
}

export interface PackedBatch {
  readonly feeds: Feeds;
  readonly sequences: number;
  /** Packed rows, including the dummy. */
  readonly tokens: number;
  /** Completion tokens of each sequence, in order; results per token are in the same order. */
  readonly completionLengths: readonly number[];
}

/**
 * Packs sequences for scoring or training.
 *
 * The last token of a sequence is only ever predicted, so it is not run. `selected` holds the rows that predict a
 * completion token, `targets` those tokens, and `membership` [sequences, completion tokens] says which sequence each
 * belongs to.
 */
export function packBatch(sequences: readonly TokenSequence[], rope: RopeSource): PackedBatch {
  const lengths = sequences.map(({ ids }) => ids.length - 1);
  const selected: number[] = [];
  const targets: number[] = [];
  let row = 0;
  for (const { ids, promptLength } of sequences) {
    for (let t = promptLength; t < ids.length; t++) {
      selected.push(row + t - 1);
      targets.push(ids[t]!);
    }
    row += ids.length - 1;
  }
  const completionLengths = sequences.map(({ ids, promptLength }) => ids.length - promptLength);
  const membership = new Float32Array(sequences.length * targets.length);
  let column = 0;
  completionLengths.forEach((count, s) => {
    membership.fill(1, s * targets.length + column, s * targets.length + column + count);
    column += count;
  });
  const layout = packRows(
    sequences.map(({ ids }) => ids.slice(0, -1)),
    rope,
  );
  return {
    feeds: {
      ...layout.feeds,
      selected: int64(selected),
      targets: int64(targets),
      membership: float32(membership, [sequences.length, targets.length]),
    },
    sequences: lengths.length,
    tokens: layout.tokens,
    completionLengths,
  };
}

/**
 * The decoder's own inputs for rows of token ids. Each row starts at its position in `starts`, after the tokens a cache
 * already holds.
 */
export function packRows(
  rows: readonly (readonly number[])[],
  rope: RopeSource,
  starts: readonly number[] = rows.map(() => 0),
): { feeds: Feeds; tokens: number } {
  const length = Math.max(...rows.map(ids => ids.length));
  const real = rows.reduce((sum, ids) => sum + ids.length, 0);
  const padded = real < rows.length * length;
  const tokens = real + (padded ? 1 : 0);
  const ids: number[] = [];
  const positions: number[] = [];
  const placeOfRow: number[] = [];
  const rowOfPlace = new Array<number>(rows.length * length).fill(tokens - 1);
  rows.forEach((row, s) => {
    row.forEach((id, t) => {
      rowOfPlace[s * length + t] = ids.length;
      placeOfRow.push(s * length + t);
      positions.push(starts[s]! + t);
      ids.push(id);
    });
  });
  if (padded) {
    // The dummy row is at a padded place, which no real row attends to and whose result is not read.
    ids.push(0);
    positions.push(0);
    placeOfRow.push(rowOfPlace.indexOf(tokens - 1));
  }
  // The engine requires at least as many rows in the tables as there are tokens, though it reads only real positions.
  const tables = rope(Math.max(tokens, Math.max(...starts) + length));
  const longest = Math.max(...rows.map((row, s) => starts[s]! + row.length));
  if (tables.longest !== undefined && longest > tables.longest) {
    throw new IdiolectError(
      'CONFIG',
      `a sequence of ${longest} tokens is longer than the model's max_position_embeddings, ${tables.longest}; beyond it ` +
        'its rotary embedding changes with the length ("dynamic"), which is not supported. Use shorter sequences.',
    );
  }
  const shape = [tables.rows, tables.cos.length / tables.rows];
  return {
    tokens,
    feeds: {
      ids: int64(ids),
      positions: int64(positions),
      row_of_place: int64(rowOfPlace, [rows.length, length]),
      place_of_row: int64(placeOfRow),
      'rope.cos': float32(tables.cos, shape),
      'rope.sin': float32(tables.sin, shape),
      'rope.minus_sin': float32(tables.minusSin, shape),
    },
  };
}
