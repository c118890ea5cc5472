/** Which weight files a Hugging Face folder holds: model.safetensors, or the shards its index names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { exists } from '../common/files.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** @throws IdiolectError CHECKPOINT where there is neither, or the index cannot be read */
export async function weightFileNames(folder: string): Promise<string[]> {
  if (await exists(join(folder, SINGLE_FILE))) return [SINGLE_FILE];
  const index = join(folder, INDEX_FILE);
  if (await exists(index)) return indexedFiles(index);
  throw new IdiolectError(
    'CHECKPOINT',
    `${folder} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}. ` +
      'Convert other formats (pytorch_model.bin, GGUF) to safetensors first.',
  );
}

/** The files an index names, each once. @throws IdiolectError CHECKPOINT where it cannot be read */
export async function indexedFiles(index: string): Promise<string[]> {
  try {
    const { weight_map: map } = indexSchema.parse(JSON.parse(await readFile(index, 'utf8')));
    return [...new Set(Object.values(map))].sort();
  } catch (error) {
    throw new IdiolectError('CHECKPOINT', `${index} is not a weight index (${reasonOf(error)}). Download it again.`);
  }
}
