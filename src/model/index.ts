/// <reference types="node" preserve="true" />
/** Model folders as Hugging Face saves them, and adapters as PEFT does: read, written and merged. */
export { type ResolveOptions, resolveModel } from '../hub/hub.ts';
export { type Adapter, readAdapter, writeAdapter } from './adapter.ts';
export { type Checkpoint, openCheckpoint } from './checkpoint.ts';
export { type LoraConfig, type LoraMatrices, loraConfigSchema } from './lora.ts';
export { type MergeOptions, mergeAdapter } from './merge.ts';
