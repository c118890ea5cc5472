/** Sessions of graphs over a model's weights: opened in this one place. */
import { type EngineOptions, Session } from '../engine/session.ts';
import type { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { RopeSource } from '../model/rope.ts';

/** A model whose graphs can be run: its weights, where they are computed on, and its rotation tables. */
export interface RunnableModel {
  readonly checkpoint: Checkpoint;
  readonly engine: EngineOptions;
  readonly rope: RopeSource;
}

/** Release it. */
export function openSession({ checkpoint, engine }: Omit<RunnableModel, 'rope'>, graph: Graph): Promise<Session> {
  return Session.create(graph, engine, checkpoint.weightsFolder);
}
