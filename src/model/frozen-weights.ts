/** The frozen weights that a checkpoint's graphs compute with. */
import type { Graph } from '../graph/index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { Int8Weights } from './int8/weights.ts';
import { FileWeights, type WeightSource } from './weight-source.ts';

export function frozenWeights(g: Graph, checkpoint: Checkpoint): WeightSource {
  return checkpoint.int8 ? new Int8Weights(g, checkpoint, checkpoint.int8) : new FileWeights(g, checkpoint);
}

/** The folder that the weight files of those graphs are relative to. */
export function frozenFolder({ int8, weightsFolder }: Checkpoint): string {
  return (int8 ?? { weightsFolder }).weightsFolder;
}
