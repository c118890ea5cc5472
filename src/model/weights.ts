/** The weights of a whole model in memory: read from a checkpoint, newly drawn, written as a Hugging Face folder. */
import { copyFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFolderAtomic } from '../common/files.ts';
import type { Random } from '../common/random.ts';
import { type Checkpoint, weightShapes } from './checkpoint.ts';
import type { ModelConfig } from './config.ts';
import { type NamedTensor, readFloats, writeSafetensors } from './safetensors.ts';

/** Every weight of a checkpoint, in the order of `weightShapes`. */
export async function readWeights({ config, tensors }: Checkpoint): Promise<NamedTensor[]> {
  return Promise.all(
    [...weightShapes(config)].map(async ([name, shape]) => ({
      name,
      shape,
      data: await readFloats(tensors.get(name)!),
    })),
  );
}

/** Standard deviation of fresh matrices, as the Llama configuration of transformers has it. */
const DEVIATION = 0.02;

/**
 * Fresh weights: normal with standard deviation 0.02, the two layers of each block that write to the residual stream
 * with 0.02 / sqrt(2 layers), so that its size does not grow with depth (Radford et al. 2019, section 2.3); norms 1,
 * biases 0.
 */
export function initialWeights(config: ModelConfig, source: Random): NamedTensor[] {
  const residual = DEVIATION / Math.sqrt(2 * config.layers);
  return [...weightShapes(config)].map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith('norm.weight')) data.fill(1);
    else if (shape.length > 1) {
      const deviation = /\.(o_proj|down_proj)\.weight$/.test(name) ? residual : DEVIATION;
      for (let i = 0; i < data.length; i++) data[i] = source.normal() * deviation;
    }
    return { name, shape, data };
  });
}

export interface ModelFiles {
  /** config.json as it shall be written; `torch_dtype` is set to what the weights are stored in. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly weights: readonly NamedTensor[];
  readonly dtype: 'F32' | 'F16';
  /** Files to copy beside them, such as tokenizer.json. */
  readonly companions: readonly string[];
  /** The model card, after its heading of metadata. */
  readonly description: string;
}

/**
 * Writes an ordinary Hugging Face folder, and replaces one of that name in one step.
 *
 * @throws IdiolectError CHECKPOINT when a weight is beyond what F16 holds
 */
export async function writeModel(folder: string, files: ModelFiles): Promise<void> {
  const { config, weights, dtype, companions, description } = files;
  await writeFolderAtomic(folder, async staging => {
    const written = { ...config, torch_dtype: dtype === 'F32' ? 'float32' : 'float16' };
    await writeFile(join(staging, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
    await writeSafetensors(join(staging, 'model.safetensors'), weights, { format: 'pt' }, dtype);
    for (const file of companions) await copyFile(file, join(staging, basename(file)));
    await writeFile(
      join(staging, 'README.md'),
      `---\nlibrary_name: transformers\ntags: [idiolect]\n---\n\n${description}\n`,
    );
  });
}
