/// <reference types="node" preserve="true" />
/** Typed ONNX graphs with reverse-mode differentiation. */
export { gradients } from './differentiate.ts';
export { encode } from './encode.ts';
export { type DType, type FileSlice, Graph, type Value } from './graph.ts';
export * from './ops/index.ts';
export { print } from './print.ts';
export { type Dim, product, type Shape } from './shape.ts';
