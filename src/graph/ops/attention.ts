/**
 * Causal grouped-query attention over packed rows.
 *
 * Everything outside attention works on packed rows [tokens, width] with no padding. Only here are they laid out as
 * [sequences, heads, length, headDim], by one indexed copy that also does the transposition heads need. Padded places
 * read the last packed row, a dummy the batch carries whenever any place is padded. Nothing that is asked for depends
 * on the dummy, so its gradient is zero everywhere, and each of the two copies is the other's exact gradient.
 * Sequences are aligned left, so the causal mask alone keeps real tokens from seeing padded ones.
 *
 * When decoding, keys and values of earlier tokens come from a cache with room for `capacity` tokens of each sequence,
 * of which its first `lengths` are filled. The cache is only read: new keys and values are handed on by themselves, and
 * whoever owns the cache writes them into it, so that a step moves no more memory than it must.
 */
import type { Graph, Value } from '../graph.ts';
import { type Dim, formatShape, product } from '../shape.ts';
import { expand, reshape, shapeOf } from './broadcast.ts';
import { add, and, lessOrEqual, mul, sub, where } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { concat, gather, range, sizeOf, slice } from './movement.ts';
import { softmax } from './normalize.ts';

/** Where packed rows and places in sequences meet: two int64 inputs of every batch. */
export interface Layout {
  /** [sequences, length]: the packed row at each place. */
  readonly rowOfPlace: Value;
  /** [tokens]: the place (sequence * length + position) of each packed row. */
  readonly placeOfRow: Value;
}

export interface AttentionOptions {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Token i sees token j when 0 <= i - j < window; no limit when left out. */
  readonly window?: number;
  readonly cache?: AttentionCache;
}

/** Keys and values of earlier tokens; what is beyond a sequence's length is not looked at, but has to be finite. */
export interface AttentionCache {
  /** [sequences, kvHeads, capacity, headDim], capacity at least 1 */
  readonly keys: Value;
  readonly values: Value;
  /** Earlier tokens of each sequence, int64 [sequences]. */
  readonly lengths: Value;
  /** Takes the new ones, [sequences, kvHeads, length, headDim]. */
  onUpdate(keys: Value, values: Value): void;
}

/** Scores this far below the rest vanish in a softmax of float32. */
const HIDDEN = -1e9;

/** Further ahead than any token: the place of a key that no query may look at. */
const NOWHERE = 2 ** 40;

/** q [tokens, heads*headDim], k and v [tokens, kvHeads*headDim] to [tokens, heads*headDim]. */
export function attention(g: Graph, q: Value, k: Value, v: Value, layout: Layout, options: AttentionOptions): Value {
  const { heads, kvHeads, headDim, window, cache } = options;
  const [sequences, length] = layout.rowOfPlace.shape as [Dim, Dim];
  const group = heads / kvHeads;
  const keys = toHeads(g, k, layout, kvHeads, headDim);
  const values = toHeads(g, v, layout, kvHeads, headDim);
  cache?.onUpdate(keys, values);
  // The query heads that share a key head become more rows of it, so keys and values are never repeated.
  const rows = product([group, length]);
  const queries = reshape(g, toHeads(g, q, layout, heads, headDim), [sequences, kvHeads, rows, headDim]);
  const scoresOf = (seen: Value) => matmul(g, queries, seen, { transB: true, alpha: 1 / Math.sqrt(headDim) });
  const scores = cache ? concat(g, [scoresOf(cache.keys), scoresOf(keys)], 3) : scoresOf(keys);
  const mask = causalMask(g, layout, scores, group, keys, window, cache);
  const shares = softmax(g, add(g, scores, mask));
  const attended = cache ? attendTwice(g, shares, cache.values, values) : matmul(g, shares, values);
  return fromHeads(g, reshape(g, attended, [sequences, heads, length, headDim]), layout, heads, headDim);
}

/** shares [..., capacity+length] over cached and new values, without a copy of the cache. */
function attendTwice(g: Graph, shares: Value, cached: Value, values: Value): Value {
  const capacity = sizeOf(g, cached, 2);
  const span = sizeOf(g, shares, 3);
  const earlier = slice(g, shares, 3, int(g, 0), capacity, cached.shape[2]!);
  const now = slice(g, shares, 3, capacity, span, values.shape[2]!);
  return add(g, matmul(g, earlier, cached), matmul(g, now, values));
}

/** [tokens, heads*headDim] to [sequences, heads, length, headDim]. */
function toHeads(g: Graph, x: Value, layout: Layout, heads: number, headDim: number): Value {
  const [tokens] = x.shape as [Dim, Dim];
  return g.composite(
    [x],
    () => gather(g, reshape(g, x, [product([heads, tokens]), headDim]), rowIndex(g, layout, heads)),
    dy => [() => fromHeads(g, dy, layout, heads, headDim)],
  );
}

/** The way back. */
function fromHeads(g: Graph, x: Value, layout: Layout, heads: number, headDim: number): Value {
  const [tokens] = layout.placeOfRow.shape as [Dim];
  return g.composite(
    [x],
    () => {
      const places = reshape(g, x, [product(x.shape.slice(0, 3)), headDim]);
      return reshape(g, gather(g, places, placeIndex(g, layout, heads)), [tokens, heads * headDim]);
    },
    dy => [() => toHeads(g, dy, layout, heads, headDim)],
  );
}

/** [sequences, heads, length]: row rowOfPlace[s, t] * heads + h of the packed rows seen as [tokens*heads, headDim]. */
function rowIndex(g: Graph, layout: Layout, heads: number): Value {
  const { rowOfPlace } = layout;
  const [sequences, length] = rowOfPlace.shape as [Dim, Dim];
  return g.once(`row index ${rowOfPlace.name} ${heads}`, () => {
    const first = reshape(g, mul(g, rowOfPlace, int(g, heads)), [sequences, 1, length]);
    return add(g, first, reshape(g, g.integers(Array.from({ length: heads }, (_, h) => h)), [1, heads, 1]));
  });
}

/** [tokens, heads]: row (s * heads + h) * length + t of [sequences*heads*length, headDim], from place s * length + t. */
function placeIndex(g: Graph, layout: Layout, heads: number): Value {
  const { placeOfRow, rowOfPlace } = layout;
  const [tokens] = placeOfRow.shape as [Dim];
  return g.once(`place index ${placeOfRow.name} ${heads}`, () => {
    const length = sizeOf(g, rowOfPlace, 1);
    // s*heads*length + h*length + t = place + s*length*(heads-1) + h*length,  s = floor(place / length)
    const sequence = g.emit({ op: 'Div', inputs: [placeOfRow, length], dtype: 'int64', shape: [tokens] });
    const start = add(g, placeOfRow, mul(g, mul(g, sequence, length), int(g, heads - 1)));
    const head = mul(g, g.integers(Array.from({ length: heads }, (_, h) => h)), length);
    return add(g, reshape(g, start, [tokens, 1]), reshape(g, head, [1, heads]));
  });
}

/**
 * 0 where a query may look, very negative elsewhere, in the full shape of the scores: ONNX Runtime adds equal shapes
 * many times faster than it broadcasts, and the mask is made once for all layers.
 */
function causalMask(
  g: Graph,
  layout: Layout,
  scores: Value,
  group: number,
  keys: Value,
  window?: number,
  cache?: AttentionCache,
): Value {
  const [, length] = layout.rowOfPlace.shape as [Dim, Dim];
  const span = scores.shape[3]!;
  const build = () => {
    const keyCount = cache ? sizeOf(g, scores, 3) : sizeOf(g, keys, 2);
    const queryCount = sizeOf(g, layout.rowOfPlace, 1);
    // The last query sits at the last key; before the new keys are as many as the cache has room for.
    const offset = sub(g, keyCount, queryCount);
    const position = add(g, range(g, queryCount, length), offset);
    const perGroup = concat(
      g,
      Array.from({ length: group }, () => position),
      0,
    );
    const i = reshape(g, perGroup, [product([group, length]), 1]);
    const row = reshape(g, range(g, keyCount, span), [1, span]);
    const j = cache ? movedUp(g, row, offset, cache) : row;
    const causal = lessOrEqual(g, j, i);
    const visible = window === undefined ? causal : and(g, causal, lessOrEqual(g, i, add(g, j, int(g, window - 1))));
    const mask = where(g, visible, g.scalar(0), g.scalar(HIDDEN));
    return expand(g, mask, scores.shape, shapeOf(g, scores));
  };
  const key = `causal mask ${layout.rowOfPlace.name} ${window ?? 'full'} ${group} ${formatShape(scores.shape)}`;
  // It reads sizes, and the cache's lengths, but no number that is differentiated: on the tape it depends on nothing.
  return g.once(key, () => g.composite([], build, () => []));
}

/**
 * Places of the keys of each sequence, int64 [sequences, 1, 1, span], from those in the rows of scores, [1, span]: what a
 * cache holds counts as moved up against the new keys, over the room that is left, and that room is nowhere.
 */
function movedUp(g: Graph, row: Value, capacity: Value, { keys, lengths }: AttentionCache): Value {
  const held = reshape(g, lengths, [keys.shape[0]!, 1, 1, 1]);
  const room = sub(g, capacity, held);
  const isHeld = lessOrEqual(g, row, sub(g, held, int(g, 1)));
  const isNew = lessOrEqual(g, capacity, row);
  return where(g, isHeld, add(g, row, room), where(g, isNew, row, int(g, NOWHERE)));
}

function int(g: Graph, value: number): Value {
  return g.constant(BigInt64Array.of(BigInt(value)), []);
}
