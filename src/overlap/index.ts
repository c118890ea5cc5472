/// <reference types="node" preserve="true" />
/** How much of what others write could be a user's own: records as vectors, alpha, and uniqueness. */
export type { EmbeddedText, Embedder } from './embedder.ts';
export type { OverlapEstimate } from './estimate.ts';
export { type EmbedderSettings, embedderSchema, openEmbedder } from './open-embedder.ts';
export { type Uniqueness, uniqueness } from './uniqueness.ts';
