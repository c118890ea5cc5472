/** Graphs as ONNX models: what is declared, where weights lie, and what need not be fed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { draw } from '../../tests/support/array.ts';
import { evaluate, withSession } from '../../tests/support/evaluate.ts';
import { tensor } from '../../tests/support/gradient.ts';
import { floats } from '../engine/tensor.ts';
import { Graph } from './graph.ts';
import { add, exp, mul } from './ops/elementwise.ts';

test('a weight is read in place from its file, at its offset', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'idiolect-encode-'));
  try {
    await writeFile(join(folder, 'weights.bin'), Buffer.from(Float32Array.of(9, 1, 2, 3, 4, 9).buffer));
    const g = new Graph();
    const slice = (offset: number) => ({ file: 'weights.bin', offset, length: 8 });
    // Two slices of one file may overlap.
    const sum = add(g, g.weight('first', 'float32', [2], slice(4)), g.weight('second', 'float32', [2], slice(8)));
    g.output('y', mul(g, sum, g.input('x', 'float32', [2])));
    const x = tensor({ shape: [2], data: Float64Array.of(1, 10) });
    const { y } = await withSession(g, session => session.run({ x }), folder);
    expect([...floats(y!)]).toEqual([3, 50]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a named size may change between the runs of one session', async () => {
  const g = new Graph();
  g.output('y', add(g, g.input('x', 'float32', ['n', 2]), g.scalar(1)));
  await withSession(g, async session => {
    for (const rows of [1, 5, 2]) {
      const x = draw([rows, 2], rows);
      const { y } = await session.run({ x: tensor(x) });
      expect(y!.dims).toEqual([rows, 2]);
      expect([...floats(y!)]).toEqual(Array.from(x.data, element => Math.fround(element + 1)));
    }
  });
});

test('an input that is missing is named', async () => {
  const g = new Graph();
  g.output('y', exp(g, g.input('x', 'float32', [2])));
  await expect(evaluate(g)).rejects.toThrow('the graph needs an input "x" that was not given.');
});

// `gradients` returns the seed itself for a plain sum, so such outputs occur.
test('an input or a constant may be an output as it is', async () => {
  const g = new Graph();
  g.output('x', g.input('input', 'float32', [2]));
  g.output('one', g.scalar(1));
  const results = await evaluate(g, { input: tensor(draw([2], 1)) });
  expect([...floats(results.x!)]).toEqual([...draw([2], 1).data]);
  expect([...floats(results.one!)]).toEqual([1]);
});
