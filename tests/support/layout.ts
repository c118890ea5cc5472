/** How sequences of given lengths are packed: the index tables attention takes, as the runtime makes them. */
import { packRows } from '../../src/language-model/batch.ts';

export function packedLayout(lengths: readonly number[]) {
  const { feeds, tokens } = packRows(
    lengths.map(length => new Array<number>(length).fill(0)),
    rows => ({ rows, cos: new Float32Array(rows), sin: new Float32Array(rows), minusSin: new Float32Array(rows) }),
  );
  return { tokens, rowOfPlace: feeds.row_of_place!, placeOfRow: feeds.place_of_row! };
}
