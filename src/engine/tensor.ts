/** Tensors as they go in and out of a session. */

/** Element types that graphs take and give. */
export type TensorType = 'float32' | 'uint8' | 'int64' | 'int32' | 'bool' | 'float16';

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

/** Numbers of one type, row by row. */
export interface Tensor {
  readonly type: string;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export type Feeds = Readonly<Record<string, Tensor>>;

function tensor(type: TensorType, data: TensorData, dims: readonly number[]): Tensor {
  return { type, data, dims };
}

export function float32(data: Float32Array, shape: readonly number[]): Tensor {
  return tensor('float32', data, shape);
}

export function uint8(data: Uint8Array, shape: readonly number[]): Tensor {
  return tensor('uint8', data, shape);
}

export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
  return tensor(
    'int64',
    BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i]!)),
    shape,
  );
}

export function int32(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return tensor('int32', Int32Array.from(values), shape);
}

/** The numbers of a float32 result. */
export function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}
