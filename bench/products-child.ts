/** Rates of the engine's matrix products, one line of JSON: GFLOP/s by kind and shape, rounding to bytes included. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { Session } from '../src/engine/session.ts';
import { float32 } from '../src/engine/tensor.ts';
import { type ActivationBits, Graph, gemm, int8Product, type Value } from '../src/graph/index.ts';
import { median } from './measure.ts';
import { PRODUCTS } from './shapes.ts';

const { values } = parseArgs({ options: { threads: { type: 'string', default: '2' } } });
const REPEATS = 30;
const folder = await mkdtemp(join(tmpdir(), 'idiolect-products-'));

async function rate([m, n, k]: readonly [number, number, number], kind: 'float32' | ActivationBits): Promise<number> {
  const source = random(0, 'products');
  const isFloat = kind === 'float32';
  const bytes = isFloat
    ? Float32Array.from({ length: n * k }, source.normal)
    : Int8Array.from({ length: n * k }, () => source.integer(255) - 127);
  await writeFile(join(folder, 'weights'), new Uint8Array(bytes.buffer));
  const g = new Graph();
  const x = g.input('x', 'float32', [m, k]);
  const slice = { file: 'weights', offset: 0, length: bytes.byteLength };
  const product = (): Value => {
    if (isFloat) return gemm(g, x, g.weight('w', 'float32', [n, k], slice), { transB: true });
    const scale = g.constant(new Float32Array(n).fill(0.01), [n]);
    return int8Product(g, x, { values: g.weight('w', 'int8', [k, n], slice), scale }, kind);
  };
  g.output('y', product());
  const session = await Session.create(g, { device: 'cpu', threads: Number(values.threads) }, folder);
  const feeds = { x: float32(Float32Array.from({ length: m * k }, source.normal), [m, k]) };
  const seconds: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const before = performance.now();
    await session.run(feeds);
    seconds.push((performance.now() - before) / 1000);
  }
  await session.release();
  return (2 * m * n * k) / median(seconds) / 1e9;
}

const rates: Record<string, number[]> = {};
for (const [name, kind] of [
  ['float32', 'float32'],
  ['int8', 8],
  ['int8, 16-bit input', 16],
] as const) {
  rates[name] = [];
  for (const shape of PRODUCTS) rates[name].push(await rate(shape, kind));
}
await rm(folder, { recursive: true });
console.log(JSON.stringify(rates));
