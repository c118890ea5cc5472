/** LoRA settings, which layers they reach, and the matrices themselves. */
import { RE2JS } from 're2js';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import type { Random } from '../common/random.ts';
import type { LinearModule } from './modules.ts';

/** The settings of an adapter, under the names PEFT users know. */
export const loraConfigSchema = z.object({
  rank: z.int().positive().default(8).describe('rank r of the LoRA matrices'),
  loraAlpha: z.number().positive().default(16).describe('LoRA scaling numerator; the update is scaled by alpha / r'),
  loraDropout: z.number().min(0).lt(1).default(0).describe('dropout on the input of the LoRA branch'),
  rslora: z.boolean().default(false).describe('scale by alpha / sqrt(r) (rank-stabilised LoRA)'),
  targetModules: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default(['q_proj', 'v_proj'])
    .describe('layers to adapt: names (comma-separated), one regular expression, or all-linear'),
  layersToTransform: z
    .array(z.int().nonnegative())
    .optional()
    .describe('adapt these layer numbers only (comma-separated)'),
});

export type LoraConfig = z.infer<typeof loraConfigSchema>;

/** Factor of the low-rank product. */
export function loraScale(config: LoraConfig): number {
  return config.loraAlpha / (config.rslora ? Math.sqrt(config.rank) : config.rank);
}

/**
 * The linear layers the settings name, by PEFT's rules: a list matches the end of a path, a string is a regular
 * expression for the whole path, `all-linear` is every one; layersToTransform narrows a list.
 *
 * @throws IdiolectError CONFIG when a name matches nothing or layersToTransform is used with an expression
 */
export function targetedModules(config: LoraConfig, modules: readonly LinearModule[]): LinearModule[] {
  const { targetModules, layersToTransform } = config;
  const names = () => [...new Set(modules.map(({ path }) => path.split('.').at(-1)))].join(', ');
  if (typeof targetModules === 'string' && targetModules !== 'all-linear') {
    if (layersToTransform) {
      throw new IdiolectError(
        'CONFIG',
        'layers_to_transform works with a list of target modules; put the layer numbers into the expression instead.',
      );
    }
    const pattern = fullMatch('target modules', targetModules);
    const matched = modules.filter(({ path }) => pattern.matches(path));
    if (matched.length > 0) return matched;
    throw new IdiolectError(
      'CONFIG',
      `target modules: the expression "${printable(targetModules)}" matches no linear layer. Paths look like "${modules[0]?.path}".`,
    );
  }
  const suffixes = targetModules === 'all-linear' ? names().split(', ') : (targetModules as string[]);
  for (const suffix of suffixes) {
    if (modules.some(({ path }) => endsWithName(path, suffix))) continue;
    throw new IdiolectError('CONFIG', `target modules: no linear layer is called "${suffix}". There are ${names()}.`);
  }
  const last = Math.max(...modules.map(({ layer }) => layer));
  const beyond = layersToTransform?.find(layer => layer > last);
  if (beyond !== undefined) {
    throw new IdiolectError('CONFIG', `layers to transform: layer ${beyond} does not exist; the last one is ${last}.`);
  }
  return modules.filter(
    ({ path, layer }) =>
      suffixes.some(suffix => endsWithName(path, suffix)) && (!layersToTransform || layersToTransform.includes(layer)),
  );
}

/** Whether a path of module names ends with the given ones. */
export function endsWithName(path: string, name: string): boolean {
  return path === name || path.endsWith(`.${name}`);
}

/** In linear time: the expression of an adapter from elsewhere must not be able to hang us. */
export function fullMatch(setting: string, expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    throw new IdiolectError(
      'CONFIG',
      `${setting}: "${printable(expression)}" is not a regular expression that can be used ` +
        '(lookaround and back-references are not supported). Name the layers instead.',
      { cause: error },
    );
  }
}

/** One LoRA matrix, named as PEFT names its tensor. */
export interface LoraMatrix {
  readonly name: string;
  readonly shape: readonly [number, number];
  readonly data: Float32Array;
}

/** The trainable state of one adapter: A and B of every adapted layer, in the model's order. */
export type LoraMatrices = readonly LoraMatrix[];

export function matrixName(path: string, side: 'A' | 'B'): string {
  return `base_model.model.${path}.lora_${side}.weight`;
}

/** Name of the dropout mask of a layer among the graph's inputs. */
export function keepName(path: string): string {
  return `keep.${path}`;
}

/** Names and shapes of the matrices, A [r, in] then B [out, r] for each layer. */
export function matrixShapes(
  config: LoraConfig,
  modules: readonly LinearModule[],
): { name: string; shape: [number, number] }[] {
  return targetedModules(config, modules).flatMap(({ path, inWidth, outWidth }) => [
    { name: matrixName(path, 'A'), shape: [config.rank, inWidth] as [number, number] },
    { name: matrixName(path, 'B'), shape: [outWidth, config.rank] as [number, number] },
  ]);
}

/** A fresh adapter: A uniform in ±1/sqrt(in) (Kaiming uniform with a = sqrt 5, as PEFT), B zero, so it changes nothing. */
export function initialMatrices(config: LoraConfig, modules: readonly LinearModule[], random: Random): LoraMatrices {
  return matrixShapes(config, modules).map(({ name, shape }) => {
    const data = new Float32Array(shape[0] * shape[1]);
    if (name.endsWith('lora_A.weight')) {
      const bound = 1 / Math.sqrt(shape[1]);
      for (let i = 0; i < data.length; i++) data[i] = (2 * random.uniform() - 1) * bound;
    }
    return { name, shape, data };
  });
}
