/// <reference types="node" preserve="true" />
/** ONNX Runtime behind one door: tensors, sessions of graphs, and the devices they run on. */
export { builtInDevices, ENGINE, multiplyOn } from './devices.ts';
export { defaultEngine, type EngineOptions, engineSchema, Session } from './session.ts';
export { type Feeds, float32, floats, type Tensor } from './tensor.ts';
