/** Adapters as PEFT's folders: adapter_config.json, adapter_model.safetensors and a README, read and written. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { exists, writeFolderAtomic } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
import { printable } from '../common/printable.ts';
import { schemaIssue } from '../common/schema-issue.ts';
import { ADAPTER_CARD, type AdapterCard } from './adapter-card.ts';
import { adaptedLayers, type LayerSettings, type Patterns, unified } from './adapter-patterns.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type LoraConfig, type LoraMatrices, matrixName } from './lora.ts';
import { firstNotFinite } from './magnitude.ts';
import { readFloats, readHeader, writeSafetensors } from './safetensors.ts';

export interface Adapter {
  readonly config: LoraConfig;
  readonly matrices: LoraMatrices;
}

const empty = (value: unknown) =>
  value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);

/** Settings that change what an adapter computes or which tensors it has; off, they may be there. */
const UNSUPPORTED = [
  'use_dora',
  'modules_to_save',
  'fan_in_fan_out',
  'lora_bias',
  'layer_replication',
  'target_parameters',
  'trainable_token_indices',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'use_qalora',
  'use_bdlora',
];

/** Initialisations that also change the base weights, so that the matrices alone mean nothing. */
const CHANGES_BASE = /^(pissa|olora|loftq|corda|lora_ga|kasa)/i;

/** The layers PEFT adapts where the file names none, for each type of model that is supported. */
const DEFAULT_TARGETS = ['q_proj', 'v_proj'];

const rank = z
  .int()
  .positive()
  .max(2 ** 31 - 1);
const alpha = z.number().positive().max(1e30);

const adapterSchema = z.looseObject({
  peft_type: z.literal('LORA', {
    error: ({ input }) => `${JSON.stringify(input)} is not supported; only "LORA" is`,
  }),
  r: rank,
  lora_alpha: alpha,
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  bias: z.string().default('none'),
  target_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  exclude_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  rank_pattern: z.record(z.string(), rank).nullish(),
  alpha_pattern: z.record(z.string(), alpha).nullish(),
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  base_model_name_or_path: z.string().nullish(),
});

/**
 * Reads a PEFT folder and checks it against the model it is for.
 *
 * @throws IdiolectError ADAPTER naming the file and the setting or tensor that does not fit
 */
export async function readAdapter(folder: string, checkpoint: Checkpoint): Promise<Adapter> {
  const file = join(folder, 'adapter_config.json');
  const json = await readInputJson(file, { code: 'ADAPTER' }).catch(error => {
    throw new IdiolectError('ADAPTER', `${reasonOf(error)} An adapter is a folder in PEFT's format.`, { cause: error });
  });
  const { config: written, patterns, base } = parseConfig(json, file);
  const madeFor = base ? ` Its configuration names ${printable(base)} as its model.` : '';
  const weights = join(folder, 'adapter_model.safetensors');
  if (!(await exists(weights)) && (await exists(join(folder, 'adapter_model.bin')))) {
    throw new IdiolectError(
      'ADAPTER',
      `${folder} holds adapter_model.bin, a format that can run code when it is read, and no adapter_model.safetensors. ` +
        'Save it from PEFT with safe_serialization=True.',
    );
  }
  const header = await readHeader(weights);
  const layers = fitting(file, checkpoint, () => adaptedLayers(written, patterns, checkpoint.linears));
  const wanted = wantedMatrices(layers);
  const read = await Promise.all(
    wanted.map(async ({ name, shape }) => {
      const entry = header.get(name);
      if (!entry) {
        throw new IdiolectError(
          'ADAPTER',
          `${weights}: tensor "${name}" is missing, which ${file} asks for on ${checkpoint.folder}.${madeFor}`,
        );
      }
      if (entry.shape.join() !== shape.join()) {
        throw new IdiolectError(
          'ADAPTER',
          `${weights}: tensor "${name}" has shape [${entry.shape}]; ${checkpoint.folder} needs [${shape}]. ` +
            `The adapter was made for another model.${madeFor}`,
        );
      }
      return { name, shape, data: await readFloats(entry) };
    }),
  );
  const broken = firstNotFinite(read);
  if (broken) {
    throw new IdiolectError(
      'ADAPTER',
      `${weights}: tensor "${broken.name}" has weights that are not finite numbers, so the adapter is of no use. Train it again.`,
    );
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of header.keys()) {
    if (names.has(name)) continue;
    throw new IdiolectError(
      'ADAPTER',
      `${weights}: tensor "${printable(name)}" has no place in ${checkpoint.folder} with LoRA.${madeFor}`,
    );
  }
  // Where some layers are left out, the others are named one by one.
  const targetModules = patterns.exclude === undefined ? written.targetModules : layers.map(({ path }) => path);
  return fitting(file, checkpoint, () => unified({ ...written, targetModules }, layers, read));
}

function wantedMatrices(layers: readonly LayerSettings[]): { name: string; shape: [number, number] }[] {
  return layers.flatMap(({ path, inWidth, outWidth, rank }) => [
    { name: matrixName(path, 'A'), shape: [rank, inWidth] },
    { name: matrixName(path, 'B'), shape: [outWidth, rank] },
  ]);
}

/** What `work` gives, its errors reported as those of the file. */
function fitting<T>(file: string, checkpoint: Checkpoint, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new IdiolectError('ADAPTER', `${file} does not fit ${checkpoint.folder}: ${reasonOf(error)}`);
  }
}

function parseConfig(
  json: unknown,
  file: string,
): { config: LoraConfig; patterns: Patterns; base: string | null | undefined } {
  let raw: z.infer<typeof adapterSchema>;
  try {
    raw = adapterSchema.parse(json);
  } catch (error) {
    const why = error instanceof z.ZodError ? schemaIssue(error) : reasonOf(error);
    throw new IdiolectError('ADAPTER', `${file} is not a PEFT adapter configuration (${why}).`);
  }
  const refuse = (what: string): never => {
    throw new IdiolectError('ADAPTER', `${file}: ${what} is not supported.`);
  };
  if (raw.bias !== 'none') refuse(`bias "${raw.bias}"`);
  for (const setting of UNSUPPORTED) if (!empty(raw[setting])) refuse(setting);
  const { init_lora_weights: init } = raw;
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    throw new IdiolectError(
      'ADAPTER',
      `${file}: init_lora_weights "${init}" changes the base's weights too, so it is not supported. Save it from PEFT as ` +
        'a plain LoRA, with path_initial_model_for_weight_conversion.',
    );
  }
  const layers = raw.layers_to_transform == null ? [] : [raw.layers_to_transform].flat();
  const targets = raw.target_modules ?? DEFAULT_TARGETS;
  return {
    config: {
      rank: raw.r,
      loraAlpha: raw.lora_alpha,
      loraDropout: raw.lora_dropout,
      rslora: raw.use_rslora,
      targetModules: Array.isArray(targets) ? targets.toSorted() : targets,
      layersToTransform: layers.length > 0 ? layers : undefined, // PEFT reads an empty list as all layers
    },
    patterns: {
      ...(raw.exclude_modules?.length && { exclude: raw.exclude_modules }),
      rank: raw.rank_pattern ?? {},
      alpha: raw.alpha_pattern ?? {},
    },
    base: raw.base_model_name_or_path,
  };
}

/** PEFT takes layers_to_transform only beside a list: there, all-linear is written as the names it stands for. */
function peftTargets({ config, matrices }: Adapter): string | string[] {
  if (config.targetModules !== 'all-linear' || !config.layersToTransform) return config.targetModules;
  return [...new Set(matrices.map(({ name }) => name.split('.').at(-3)!))].sort();
}

export interface AdapterOrigin {
  /** What the adapter belongs to; PEFT and servers look it up here, so it is never empty. */
  readonly baseModel: string;
  /** The base's commit, where it is from a hub; PEFT's AutoPeftModel loads it at that. */
  readonly revision?: string;
  /** Markdown for the folder's README, after the title. */
  readonly description: string;
  /** What the folder keeps for this program itself. */
  readonly card?: AdapterCard;
}

/** A name in the head of a README: in quotes where YAML would read it as something else. */
export function yamlText(name: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(name) ? name : JSON.stringify(name);
}

/**
 * Writes a PEFT folder in one atomic step: it is there whole or not at all.
 *
 * @throws IdiolectError ADAPTER when a weight is not a finite number; nothing is written then
 */
export async function writeAdapter(folder: string, adapter: Adapter, origin: AdapterOrigin): Promise<void> {
  const broken = firstNotFinite(adapter.matrices);
  if (broken) {
    throw new IdiolectError(
      'ADAPTER',
      `${folder} is not written: "${broken.name}" has weights that are not finite numbers. Train with a lower rate.`,
    );
  }
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
    ...(origin.revision !== undefined && { revision: origin.revision }),
    target_modules: peftTargets(adapter),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.rslora,
  };
  const readme = `---\nbase_model: ${yamlText(origin.baseModel)}\nlibrary_name: peft\ntags: [lora, idiolect]\n---\n\n${origin.description}\n`;
  await writeFolderAtomic(folder, async staging => {
    await writeFile(join(staging, 'adapter_config.json'), `${JSON.stringify(json, null, 2)}\n`);
    await writeFile(join(staging, 'README.md'), readme);
    if (origin.card) await writeFile(join(staging, ADAPTER_CARD), `${JSON.stringify(origin.card, null, 2)}\n`);
    await writeSafetensors(join(staging, 'adapter_model.safetensors'), adapter.matrices);
  });
}
