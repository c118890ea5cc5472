/** Rotary position embedding (Su et al. 2021), in the half-rotation layout of Hugging Face checkpoints. */
import type { Graph, Value } from '../graph.ts';
import { reshape } from './broadcast.ts';

export interface RotaryTables {
  /** [positions, headDim/2] */
  readonly cos: Value;
  readonly sin: Value;
  /** -sin: the gradient of a rotation is the rotation back. */
  readonly minusSin: Value;
}

/** Rotates each head of x [tokens, heads*headDim] by the angle of its token's position (int64 [tokens]). */
export function rotary(g: Graph, x: Value, positions: Value, tables: RotaryTables): Value {
  return rotate(g, x, positions, tables.cos, tables.sin, tables.minusSin);
}

function rotate(g: Graph, x: Value, positions: Value, cos: Value, sin: Value, minusSin: Value): Value {
  return g.composite(
    [x],
    () => {
      const rotated = g.emit({
        op: 'RotaryEmbedding',
        domain: 'com.microsoft',
        inputs: [
          reshape(g, x, [1, ...x.shape]),
          g.once(`positions ${positions.name}`, () => reshape(g, positions, [1, ...positions.shape])),
          cos,
          sin,
        ],
        dtype: x.dtype,
        shape: [1, ...x.shape],
      });
      return reshape(g, rotated, x.shape);
    },
    dy => [() => rotate(g, dy, positions, cos, minusSin, sin)],
  );
}
