/** Opens the sessions of all graphs over a model's weights. */
import { type EngineOptions, Session } from '../engine/session.ts';
import type { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { RopeSource } from '../model/rope.ts';

/** A model whose graphs can be run: its weights, the engine that runs them, and its rotation tables. */
export interface RunnableModel {
  readonly checkpoint: Checkpoint;
  readonly engine: EngineOptions;
  readonly rope: RopeSource;
}

/** Opens a session, which the caller releases. */
export function openSession({ checkpoint, engine }: Omit<RunnableModel, 'rope'>, graph: Graph): Promise<Session> {
  return Session.create(graph, engine, checkpoint.weightsFolder);
}
