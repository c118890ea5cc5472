/** Adapters as PEFT's folders: adapter_config.json, adapter_model.safetensors and a README, read and written. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { publishFolder, stagingPath } from '../common/files.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type LoraConfig, type LoraMatrices, matrixShapes } from './lora.ts';
import { readFloats, readHeader, writeSafetensors } from './safetensors.ts';

export interface Adapter {
  readonly config: LoraConfig;
  readonly matrices: LoraMatrices;
}

const empty = (value: unknown) => value == null || (typeof value === 'object' && Object.keys(value).length === 0);

const adapterSchema = z.object({
  peft_type: z.string(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  use_dora: z.boolean().default(false),
  bias: z.string().default('none'),
  target_modules: z.union([z.string(), z.array(z.string())]),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  rank_pattern: z.unknown().optional(),
  alpha_pattern: z.unknown().optional(),
  fan_in_fan_out: z.boolean().default(false),
});

/**
 * Reads a PEFT folder and checks it against the model it is for.
 *
 * @throws IdiolectError ADAPTER naming the file and the setting or tensor that does not fit
 */
export async function readAdapter(folder: string, checkpoint: Checkpoint): Promise<Adapter> {
  const file = join(folder, 'adapter_config.json');
  const text = await readFile(file, 'utf8').catch(() => {
    throw new IdiolectError('ADAPTER', `${file} cannot be read. An adapter is a folder in PEFT's format.`);
  });
  const config = parseConfig(text, file);
  const weights = join(folder, 'adapter_model.safetensors');
  const header = await readHeader(weights);
  const wanted = matrixShapes(config, checkpoint.linears);
  const matrices = await Promise.all(
    wanted.map(async ({ name, shape }) => {
      const entry = header.get(name);
      if (!entry) throw new IdiolectError('ADAPTER', `${weights}: tensor "${name}" is missing.`);
      if (entry.shape.join() !== shape.join()) {
        throw new IdiolectError(
          'ADAPTER',
          `${weights}: tensor "${name}" has shape [${entry.shape}]; ${checkpoint.folder} needs [${shape}]. ` +
            'The adapter was made for another model.',
        );
      }
      return { name, shape, data: await readFloats(entry) };
    }),
  );
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of header.keys()) {
    if (!names.has(name)) throw new IdiolectError('ADAPTER', `${weights}: tensor "${name}" is not supported.`);
  }
  return { config, matrices };
}

function parseConfig(text: string, file: string): LoraConfig {
  let raw: z.infer<typeof adapterSchema>;
  try {
    raw = adapterSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? `"${error.issues[0]!.path.join('.')}": ${error.issues[0]!.message}` : '';
    throw new IdiolectError('ADAPTER', `${file} is not a PEFT adapter configuration (${why || reasonOf(error)}).`);
  }
  const refuse = (what: string): never => {
    throw new IdiolectError('ADAPTER', `${file}: ${what} is not supported.`);
  };
  if (raw.peft_type !== 'LORA') refuse(`peft_type "${raw.peft_type}"`);
  if (raw.use_dora) refuse('use_dora (DoRA)');
  if (raw.bias !== 'none') refuse(`bias "${raw.bias}"`);
  if (raw.fan_in_fan_out) refuse('fan_in_fan_out');
  if (!empty(raw.modules_to_save)) refuse('modules_to_save');
  if (!empty(raw.rank_pattern)) refuse('rank_pattern');
  if (!empty(raw.alpha_pattern)) refuse('alpha_pattern');
  return {
    rank: raw.r,
    loraAlpha: raw.lora_alpha,
    loraDropout: raw.lora_dropout,
    rslora: raw.use_rslora,
    targetModules: Array.isArray(raw.target_modules) ? raw.target_modules.toSorted() : raw.target_modules,
    layersToTransform: raw.layers_to_transform == null ? undefined : [raw.layers_to_transform].flat(),
  };
}

export interface AdapterOrigin {
  /** What the adapter belongs to; PEFT and servers look it up here, so it is never empty. */
  readonly baseModel: string;
  /** Markdown for the folder's README, after the title. */
  readonly description: string;
}

/** Writes a PEFT folder in one atomic step: it is there whole or not at all. */
export async function writeAdapter(folder: string, adapter: Adapter, origin: AdapterOrigin): Promise<void> {
  const staging = stagingPath(folder);
  await mkdir(dirname(folder), { recursive: true });
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging);
  const { config } = adapter;
  const json = {
    alpha_pattern: {},
    base_model_name_or_path: origin.baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: config.layersToTransform ?? null,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: config.rank,
    rank_pattern: {},
    target_modules: config.targetModules,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.rslora,
  };
  const card = `---\nbase_model: ${origin.baseModel}\nlibrary_name: peft\ntags: [lora, idiolect]\n---\n\n${origin.description}\n`;
  await writeFile(join(staging, 'adapter_config.json'), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(join(staging, 'README.md'), card);
  await writeSafetensors(join(staging, 'adapter_model.safetensors'), adapter.matrices);
  await publishFolder(staging, folder);
}
