/** Merges an adapter into the model it was trained on, and writes the result as a Hugging Face folder of its own. */
import { chmod, copyFile, open, readdir, realpath, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { IdiolectError, invariant, reasonOf } from '../common/errors.ts';
import { writeFolderAtomic } from '../common/files.ts';
import { type Adapter, type AdapterOrigin, yamlText } from './adapter.ts';
import type { Checkpoint } from './checkpoint.ts';
import { loraScale, matrixName, targetedModules } from './lora.ts';
import { encodeFloats } from './rounding.ts';
import { readFloats, type TensorEntry } from './safetensors.ts';

export interface MergeOptions extends AdapterOrigin {
  /** Called after each adapted layer. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Writes `folder` with W' = W + scale * B A for every adapted layer, computed in float64 and rounded once, to nearest
 * with ties to even, to the type W is stored in. All else is the base's: the weight files keep their names, their order
 * and every byte outside the adapted layers; configuration and tokenizer are copied. Needs memory for one layer, and
 * replaces a folder of that name in one step.
 *
 * @throws IdiolectError CONFIG when the folder and the base are inside one another; CHECKPOINT when a merged weight is
 *   beyond what its type holds
 */
export async function mergeAdapter(
  checkpoint: Checkpoint,
  adapter: Adapter,
  folder: string,
  options: MergeOptions,
): Promise<void> {
  await requireElsewhere(checkpoint, folder);
  await writeFolderAtomic(folder, async staging => {
    for (const name of await companionFiles(checkpoint)) await copy(checkpoint.folder, name, staging);
    const updates = lowRankUpdates(checkpoint, adapter);
    let done = 0;
    for (const name of checkpoint.weightNames) {
      await copy(checkpoint.folder, name, staging);
      const source = await realpath(join(checkpoint.folder, name));
      const handle = await open(join(staging, name), 'r+');
      try {
        for (const update of updates.filter(({ weight }) => weight.file === source)) {
          const bytes = await mergedBytes(update);
          await handle.write(bytes, 0, bytes.length, update.weight.offset);
          done++;
          options.onProgress?.(done, updates.length);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    invariant(done === updates.length, 'every adapted layer is in one of the weight files');
    const card = `---\nbase_model: ${yamlText(options.baseModel)}\nlibrary_name: transformers\ntags: [idiolect]\n---\n\n`;
    await writeFile(join(staging, 'README.md'), `${card}${options.description}\n`);
  });
}

interface LowRankUpdate {
  readonly weight: TensorEntry;
  /** [rank, in] */
  readonly a: Float32Array;
  /** [out, rank] */
  readonly b: Float32Array;
  readonly scale: number;
}

function lowRankUpdates(checkpoint: Checkpoint, { config, matrices }: Adapter): LowRankUpdate[] {
  const byName = new Map(matrices.map(({ name, data }) => [name, data]));
  return targetedModules(config, checkpoint.linears).map(({ path }) => ({
    weight: checkpoint.tensors.get(`${path}.weight`)!,
    a: byName.get(matrixName(path, 'A'))!,
    b: byName.get(matrixName(path, 'B'))!,
    scale: loraScale(config),
  }));
}

async function mergedBytes({ weight, a, b, scale }: LowRankUpdate): Promise<Uint8Array> {
  const [outWidth, inWidth] = weight.shape as [number, number];
  const rank = b.length / outWidth;
  const base = await readFloats(weight);
  const merged = new Uint8Array(weight.length);
  const row = new Float64Array(inWidth);
  for (let o = 0; o < outWidth; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = scale * b[o * rank + r]!;
      const start = r * inWidth;
      for (let i = 0; i < inWidth; i++) row[i]! += factor * a[start + i]!;
    }
    for (let i = 0; i < inWidth; i++) row[i]! += base[o * inWidth + i]!;
    try {
      merged.set(encodeFloats(weight.dtype, row), (o * weight.length) / outWidth);
    } catch (error) {
      throw new IdiolectError('CHECKPOINT', `"${weight.name}" cannot be merged: ${reasonOf(error)}`);
    }
  }
  return merged;
}

/** Weights in any format, and their indices: of these only the ones in use belong into the merged folder. */
const WEIGHTS = /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|ot|onnx|onnx_data|gguf|npz)(\.index\.json)?$/i;

/**
 * What is beside the weights: configuration, tokenizer, templates, licence. Left out are weights in other formats,
 * which would still be the base's, an adapter's configuration, which transformers would apply on top, the model card,
 * hidden files and folders.
 */
async function companionFiles({ folder, weightNames }: Checkpoint): Promise<string[]> {
  const index = 'model.safetensors.index.json';
  const left = new Set(['README.md', 'adapter_config.json']);
  const names = (await readdir(folder)).sort().filter(name => {
    if (name === index) return !weightNames.includes('model.safetensors');
    return !(name.startsWith('.') || left.has(name) || WEIGHTS.test(name));
  });
  const files = await Promise.all(names.map(async name => ((await stat(join(folder, name))).isFile() ? [name] : [])));
  return files.flat();
}

async function copy(from: string, name: string, to: string): Promise<void> {
  const target = join(to, name);
  await copyFile(join(from, name), target);
  await chmod(target, 0o644); // a cache may hold files nobody may write
}

/**
 * A merge replaces the folder as a whole, so neither may be inside the other, links followed.
 *
 * @throws IdiolectError CONFIG where they do
 */
export async function requireElsewhere(checkpoint: Checkpoint, folder: string): Promise<void> {
  const target = await realFolder(folder);
  const base = await realpath(checkpoint.folder);
  const files = await Promise.all(checkpoint.weightNames.map(name => realpath(join(checkpoint.folder, name))));
  if (![base, ...files].some(path => isInside(path, target)) && !isInside(target, base)) return;
  throw new IdiolectError(
    'CONFIG',
    `${folder} cannot take the merged model: the base model ${checkpoint.folder} is there. Choose another folder.`,
  );
}

/** A path that may not exist yet, with the links of the part that does resolved. */
async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path);
  return realpath(absolute).catch(async () => join(await realFolder(dirname(absolute)), basename(absolute)));
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`));
}
