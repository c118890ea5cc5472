/** Composite operators against PyTorch's values and autograd gradients (fixtures/composites.py). */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Feeds, float32, floats, int64, type Tensor } from '../../src/engine/tensor.ts';
import {
  addLowRank,
  attention,
  Graph,
  gradients,
  headBlock,
  linear,
  mul,
  reshape,
  rmsNorm,
  rotary,
  swiglu,
  tokenLogProbs,
  type Value,
} from '../../src/graph/index.ts';
import { readBytes, readFloats, readHeader } from '../../src/model/safetensors.ts';
import { evaluate } from '../support/evaluate.ts';
import { expectClose } from '../support/gradient.ts';
import { packedLayout } from '../support/layout.ts';

/**
 * Relative to the largest magnitude of a tensor. The fixtures are float64 results rounded once (6e-8); the graphs add
 * up at most some 50 float32 terms of one size, whose roundings together stay below 2e-6.
 */
const TOLERANCE = 2e-6;

const header = await readHeader(fileURLToPath(new URL('../fixtures/composites.safetensors', import.meta.url)));

async function fixture(name: string): Promise<Tensor> {
  const entry = header.get(name)!;
  if (entry.dtype === 'I64') return int64(Array.from(new BigInt64Array((await readBytes(entry)).buffer), Number));
  return float32(await readFloats(entry), entry.shape);
}

async function number(name: string): Promise<number> {
  return Number((await fixture(name)).data[0]);
}

interface Comparison {
  /** Inputs whose gradients are compared. */
  readonly inputs: readonly string[];
  /** Fixture tensors the operator reads beside them. */
  readonly constants?: readonly string[];
  /** Inputs that are no fixture. */
  readonly feeds?: Feeds;
  /** A row of zeros is added to inputs, output and upstream gradient, and must receive the gradient 0. */
  readonly dummyRow?: boolean;
  build(g: Graph, value: Readonly<Record<string, Value>>): Value;
}

async function compare(op: string, { inputs, constants = [], feeds = {}, dummyRow, build }: Comparison): Promise<void> {
  const padded = (tensor: Tensor): Tensor => {
    const [rows, width] = tensor.dims as [number, number];
    if (!dummyRow) return tensor;
    const data = new Float32Array((rows + 1) * width);
    data.set(floats(tensor));
    return float32(data, [rows + 1, width]);
  };
  const fed: Record<string, Tensor> = { ...feeds };
  for (const name of constants) fed[name] = await fixture(`${op}.${name}`);
  for (const name of [...inputs, 'dy']) fed[name] = padded(await fixture(`${op}.${name}`));

  const g = new Graph();
  const values = Object.fromEntries(
    Object.entries(fed).map(([name, { type, dims }]) => [name, g.input(name, type as 'float32' | 'int64', dims)]),
  );
  const y = build(g, values);
  const found = gradients(
    g,
    y,
    inputs.map(name => values[name]!),
    values.dy!,
  );
  g.output('y', y);
  inputs.forEach((name, i) => void g.output(`d${name}`, found[i]!));
  const results = await evaluate(g, fed);
  for (const [name, actual] of Object.entries(results)) {
    const expected = await fixture(`${op}.${name}`);
    if (dummyRow && name === 'y') {
      // What the dummy row itself attends to means nothing and is asked for by nobody.
      expectClose(name, floats(actual).subarray(0, expected.data.length), floats(expected), TOLERANCE);
    } else {
      expect(actual.data.length).toBe(padded(expected).data.length);
      expectClose(name, floats(actual), floats(padded(expected)), TOLERANCE);
    }
  }
}

test('rmsnorm', async () => {
  const epsilon = await number('rmsnorm.eps');
  await compare('rmsnorm', { inputs: ['x', 'weight'], build: (g, { x, weight }) => rmsNorm(g, x!, weight!, epsilon) });
});

test('rope', async () => {
  const sin = await fixture('rope.sin');
  await compare('rope', {
    inputs: ['x'],
    constants: ['cos', 'sin'],
    feeds: {
      minusSin: float32(
        floats(sin).map(x => -x),
        sin.dims,
      ),
      positions: int64([0, 1, 2, 3, 4]),
    },
    build: (g, { x, cos, sin: sine, minusSin, positions }) => {
      const rows = reshape(g, x!, [5, 16]);
      return reshape(g, rotary(g, rows, positions!, { cos: cos!, sin: sine!, minusSin: minusSin! }), [1, 5, 16]);
    },
  });
});

test.each(['attention', 'attention_window'])('%s', async op => {
  const lengths = Array.from((await fixture(`${op}.lengths`)).data as BigInt64Array, Number);
  const { rowOfPlace: rows, placeOfRow: places } = packedLayout(lengths);
  const window = op === 'attention_window' ? await number('attention_window.window') : undefined;
  await compare(op, {
    inputs: ['q', 'k', 'v'],
    feeds: { rowOfPlace: rows, placeOfRow: places },
    dummyRow: true,
    build: (g, { q, k, v, rowOfPlace, placeOfRow }) =>
      attention(
        g,
        q!,
        k!,
        v!,
        { rowOfPlace: rowOfPlace!, placeOfRow: placeOfRow! },
        { heads: 4, kvHeads: 2, headDim: 8, window },
      ),
  });
});

test('swiglu', async () => {
  await compare('swiglu', { inputs: ['gate', 'up'], build: (g, { gate, up }) => swiglu(g, gate!, up!) });
});

// The fixture's gradient of the output matrix is left out: the head is frozen and has no gradient rule.
test.each([[[50]], [[25, 25]], [[7, 1, 30, 12]]])('tokenlogprob, vocabulary in blocks of %j', async blocks => {
  const weight = await fixture('tokenlogprob.weight');
  const width = weight.dims[1]!;
  let start = 0;
  const parts = blocks.map((rows, i) => {
    const data = floats(weight).slice(start * width, (start + rows) * width);
    start += rows;
    return [`block ${i}`, float32(data, [rows, width])] as const;
  });
  await compare('tokenlogprob', {
    inputs: ['hidden'],
    constants: ['weight', 'targets'],
    feeds: Object.fromEntries(parts),
    build: (g, values) => {
      const split = parts.map(([name]) => headBlock(g, values[name]!));
      return tokenLogProbs(g, values.hidden!, values.weight!, split, values.targets!);
    },
  });
});

test('loralinear, with PEFT’s dropout on the input of the update', async () => {
  const [scale, p] = [await number('loralinear.scale'), await number('loralinear.p')];
  await compare('loralinear', {
    inputs: ['x', 'weight', 'a', 'b'],
    constants: ['keep'],
    build: (g, { x, weight, a, b, keep }) => {
      const kept = mul(g, keep!, g.scalar(1 / (1 - p)));
      return addLowRank(g, x!, linear(g, x!, weight!), { a: a!, b: b!, scale, keep: kept });
    },
  });
});

test('loralinear_nomask', async () => {
  const scale = await number('loralinear_nomask.scale');
  await compare('loralinear_nomask', {
    inputs: ['x', 'weight', 'a', 'b'],
    build: (g, { x, weight, a, b }) => addLowRank(g, x!, linear(g, x!, weight!), { a: a!, b: b!, scale }),
  });
});
