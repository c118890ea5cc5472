/** What the files of a sentence encoder say: where its ONNX model is, how tokens become one vector, how many fit. */
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists, sha256, sha256OfFile } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
import { schemaIssue } from '../common/schema-issue.ts';

export interface Pooling {
  readonly mode: 'mean' | 'cls';
  /** Scale the vector to length 1. */
  readonly normalize: boolean;
}

const MODEL_FILES = ['model.onnx', 'onnx/model.onnx'];
/** Files that change a vector. External data of an ONNX file is beside it under this name. */
const OTHERS = ['tokenizer.json', 'tokenizer_config.json', 'config.json', 'modules.json', 'sentence_bert_config.json'];
const DATA_SUFFIX = '_data';

/** @throws IdiolectError MODEL when the folder holds no ONNX model */
export async function encoderModelFile(folder: string): Promise<string> {
  for (const name of MODEL_FILES) if (await exists(join(folder, name))) return join(folder, name);
  throw new IdiolectError(
    'MODEL',
    `${folder} holds neither ${MODEL_FILES.join(' nor ')}. A sentence encoder is a folder with an ONNX export of it.`,
  );
}

/** Changes with the model, its weights, its tokenizer and its settings. */
export async function encoderFingerprint(folder: string, model: string): Promise<string> {
  const pooling = join((await poolingPath(folder)) ?? '.', 'config.json');
  const files = [model, model + DATA_SUFFIX, ...[...OTHERS, pooling].map(name => join(folder, name))];
  const hashes: string[] = [];
  for (const file of files) hashes.push((await exists(file)) ? await sha256OfFile(file) : '');
  return sha256(hashes.join());
}

const lengthsSchema = z.object({
  max_position_embeddings: z.number().optional(),
  model_max_length: z.number().optional(),
  max_seq_length: z.number().nullish(),
});

/** The longest text in tokens, special ones included: the smallest of the limits the folder names; 512 where none is. */
export async function encoderMaxTokens(folder: string): Promise<number> {
  const limits: number[] = [];
  for (const name of ['config.json', 'tokenizer_config.json', 'sentence_bert_config.json']) {
    const found = await readOptional(join(folder, name), lengthsSchema);
    limits.push(...Object.values(found ?? {}).filter(limit => limit != null));
  }
  // Tokenizers without a limit write 1e30.
  const real = limits.filter(limit => Number.isSafeInteger(limit) && limit > 0);
  return real.length > 0 ? Math.min(...real) : 512;
}

const modulesSchema = z.array(z.object({ type: z.string(), path: z.string() }));
// The newer files name the mode, the older ones have a switch for each.
const poolingSchema = z.union(
  [
    z.object({ pooling_mode: z.string() }).transform(({ pooling_mode }) => [pooling_mode]),
    z.record(z.string(), z.unknown()).transform(switches =>
      Object.keys(switches)
        .filter(key => key.startsWith('pooling_mode_') && switches[key] === true)
        .map(key => key.replace(/^pooling_mode_|_tokens?$/g, '')),
    ),
  ],
  { error: 'expected an object' },
);

/**
 * How the token states of the model become one vector, by modules.json and the pooling's config.json as
 * sentence-transformers writes them; the plain mean where there is no modules.json, as it does too.
 *
 * @throws IdiolectError MODEL naming a step that is not supported
 */
export async function encoderPooling(folder: string): Promise<Pooling> {
  const modules = await readModules(folder);
  const steps = modules.map(({ type }) => type.split('.').at(-1)!);
  const unknown = steps.find(step => !['Transformer', 'Pooling', 'Normalize'].includes(step));
  if (unknown) {
    throw new IdiolectError(
      'MODEL',
      `${join(folder, 'modules.json')}: the step ${unknown} is not in the ONNX file and not supported. ` +
        'Export the encoder with an output "sentence_embedding".',
    );
  }
  const normalize = steps.includes('Normalize');
  const path = await poolingPath(folder);
  if (path === undefined) return { mode: 'mean', normalize };
  const file = join(folder, path, 'config.json');
  const modes = (await readOptional(file, poolingSchema)) ?? ['mean'];
  const mode = (['mean', 'cls'] as const).find(known => modes.length === 1 && modes[0] === known);
  if (mode) return { mode, normalize };
  throw new IdiolectError('MODEL', `${file}: pooling by ${modes.join(' and ')} is not supported; mean and cls are.`);
}

async function readModules(folder: string): Promise<z.infer<typeof modulesSchema>> {
  return (await readOptional(join(folder, 'modules.json'), modulesSchema)) ?? [];
}

async function poolingPath(folder: string): Promise<string | undefined> {
  return (await readModules(folder)).find(({ type }) => type.endsWith('.Pooling'))?.path;
}

async function readOptional<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!(await exists(file))) return undefined;
  const parsed = schema.safeParse(await readInputJson(file, { code: 'MODEL' }));
  if (parsed.success) return parsed.data;
  const why = schemaIssue(parsed.error);
  throw new IdiolectError('MODEL', `${file} does not fit a sentence encoder (${why}). Download it again.`);
}
