/** The machine's own matrix-product rate through the engine: the yardstick for how much of a step is products. */
import { parseArgs } from 'node:util';
import { random } from '../src/common/random.ts';
import { Session } from '../src/engine/session.ts';
import { float32 } from '../src/engine/tensor.ts';
import { Graph, gemm } from '../src/graph/index.ts';

const { values } = parseArgs({ options: { threads: { type: 'string', default: '2' } } });
const [M, N, K] = [512, 1536, 576];
const REPEATS = 40;
const source = random(0, 'matmul');
const matrix = (rows: number, columns: number) =>
  float32(Float32Array.from({ length: rows * columns }, source.normal), [rows, columns]);
const g = new Graph();
g.output('y', gemm(g, g.input('x', 'float32', [M, K]), g.input('w', 'float32', [N, K]), { transB: true }));
const session = await Session.create(g, { device: 'cpu', threads: Number(values.threads) });
const feeds = { x: matrix(M, K), w: matrix(N, K) };
const seconds: number[] = [];
for (let i = 0; i < REPEATS; i++) {
  const before = performance.now();
  await session.run(feeds);
  seconds.push((performance.now() - before) / 1000);
}
seconds.sort((a, b) => a - b);
console.log(JSON.stringify({ gflops: (2 * M * N * K) / seconds[REPEATS / 2]! / 1e9 }));
