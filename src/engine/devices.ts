/** A first product on a device: whether it computes, and rightly. */
import { Graph, gemm } from '../graph/index.ts';
import { type EngineOptions, Session } from './session.ts';
import { float32, floats } from './tensor.ts';

/**
 * The square of the matrix [[1, 2], [3, 4]], row by row, computed on a device.
 *
 * @throws where the device cannot be opened, with the engine's own words
 */
export async function multiplyOn(device: EngineOptions['device']): Promise<number[]> {
  const g = new Graph();
  const x = g.input('x', 'float32', [2, 2]);
  g.output('y', gemm(g, x, x));
  const session = await Session.create(g, { device, threads: 1 });
  const { y } = await session.run({ x: float32(Float32Array.of(1, 2, 3, 4), [2, 2]) });
  await session.release();
  return [...floats(y!)];
}
