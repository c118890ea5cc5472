/** The weights a training of every weight starts from, its checkpoints, and the model folder it ends in. */
import type { Checkpoint } from '../model/checkpoint.ts';
import { weightShapes } from '../model/checkpoint.ts';
import { type NamedTensor, readFloats } from '../model/safetensors.ts';

/** Every weight of a checkpoint in memory, in the order of `weightShapes`. */
export async function readWeights({ config, tensors }: Checkpoint): Promise<NamedTensor[]> {
  return Promise.all(
    [...weightShapes(config)].map(async ([name, shape]) => ({
      name,
      shape,
      data: await readFloats(tensors.get(name)!),
    })),
  );
}
