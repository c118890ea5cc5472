/// <reference types="node" preserve="true" />
/** ONNX Runtime behind one door: tensors, sessions of graphs, and the devices they run on. */
export type { Backend, CompiledGraph, CompileOptions } from './backend.ts';
export { multiplyOn } from './devices.ts';
export { backend, defaultEngine, type EngineOptions, engineSchema, Session } from './session.ts';
export { type Feeds, float32, floats, type Tensor, type TensorType } from './tensor.ts';
