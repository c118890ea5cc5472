/** Opens the sessions of all graphs over a model's weights. */
import { z } from 'zod';
import { type EngineOptions, engineSchema, Session } from '../engine/session.ts';
import type { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { frozenFolder } from '../model/frozen-weights.ts';
import type { RopeSource } from '../model/rope.ts';

/** How a model is computed: the engine's settings, and the numbers that its frozen weights are kept in. */
export const modelEngineSchema = engineSchema.extend({
  base: z
    .enum(['float32', 'int8'])
    .default('float32')
    .describe('numbers that the frozen weights are multiplied in; int8: faster, and not quite the same (cpu only)'),
});

export type ModelEngineOptions = EngineOptions & Partial<z.infer<typeof modelEngineSchema>>;

/** A model whose graphs can be run: its weights, the engine that runs them, and its rotation tables. */
export interface RunnableModel {
  readonly checkpoint: Checkpoint;
  readonly engine: EngineOptions;
  readonly rope: RopeSource;
}

/** Opens a session, which the caller releases. */
export function openSession({ checkpoint, engine }: Omit<RunnableModel, 'rope'>, graph: Graph): Promise<Session> {
  return Session.create(graph, engine, frozenFolder(checkpoint));
}
