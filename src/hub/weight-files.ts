/** Which weight files a Hugging Face folder holds: model.safetensors, or the shards its index names. */
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
import { printable } from '../common/printable.ts';
import { schemaIssue } from '../common/schema-issue.ts';

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
  const parsed = indexSchema.safeParse(await readInputJson(index, { code: 'CHECKPOINT' }));
  if (!parsed.success) {
    throw new IdiolectError(
      'CHECKPOINT',
      `${index} is not a weight index (${schemaIssue(parsed.error)}). Download it again.`,
    );
  }
  const names = [...new Set(Object.values(parsed.data.weight_map))].sort();
  // A link of that name may lead elsewhere, as in the Hub's cache; the name itself may not.
  const outside = names.find(name => name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name));
  if (outside === undefined) return names;
  throw new IdiolectError(
    'CHECKPOINT',
    `${index} names the file "${printable(outside)}"; weight files must be in the same folder.`,
  );
}
