/** Tensors as they go in and out of a session. */
import { Tensor } from 'onnxruntime-node';

export type { Tensor };
export type Feeds = Readonly<Record<string, Tensor>>;

export function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor('float32', data, shape);
}

export function uint8(data: Uint8Array, shape: readonly number[]): Tensor {
  return new Tensor('uint8', data, shape);
}

export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values as ArrayLike<number> & Iterable<number>, BigInt), shape);
}

export function int32(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return new Tensor('int32', Int32Array.from(values), shape);
}

/** The numbers of a float32 result. */
export function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
