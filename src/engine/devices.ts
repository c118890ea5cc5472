/** The devices the engine can compute on, and a first product on one of them. */
import { env, listSupportedBackends } from 'onnxruntime-node';
import { Graph, gemm } from '../graph/index.ts';
import { type EngineOptions, Session } from './session.ts';
import { float32, floats } from './tensor.ts';

/** The engine with its version. */
export const ENGINE = `onnxruntime-node ${env.versions.node}`;

/** Names of the devices that this build of the engine brings with it; a driver may still be missing. */
export function builtInDevices(): string[] {
  return listSupportedBackends().flatMap(({ name, bundled }) => (bundled ? [name] : []));
}

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
