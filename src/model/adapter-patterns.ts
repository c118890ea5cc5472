/** PEFT's patterns: layers left out of an adapter, and layers with a rank or an alpha of their own. */
import { IdiolectError } from '../common/errors.ts';
import {
  endsWithName,
  fullMatch,
  type LoraConfig,
  type LoraMatrix,
  loraScale,
  matrixName,
  targetedModules,
} from './lora.ts';
import type { LinearModule } from './modules.ts';

export interface Patterns {
  /** A regular expression for the whole path, or names that end one. */
  readonly exclude?: string | readonly string[];
  /** By regular expressions for the end of a path; the first that matches counts. */
  readonly rank: Readonly<Record<string, number>>;
  readonly alpha: Readonly<Record<string, number>>;
}

/** What a layer's matrices are in the file. */
export interface LayerSettings extends LinearModule {
  readonly rank: number;
  /** Factor of the low-rank product. */
  readonly scale: number;
}

/** Elements beyond which layers of little rank are not widened to the rank of a large one. */
const MOST_ELEMENTS = 2 ** 26;
const MOST_GROWTH = 16;

/**
 * The layers an adapter reaches, each with its own rank and scale.
 *
 * @throws IdiolectError CONFIG when a name matches nothing or an expression cannot be used
 */
export function adaptedLayers(
  config: LoraConfig,
  { exclude, rank, alpha }: Patterns,
  modules: readonly LinearModule[],
): LayerSettings[] {
  const excluded = exclusion(exclude);
  const rankOf = lookup('rank_pattern', rank);
  const alphaOf = lookup('alpha_pattern', alpha);
  const targeted = targetedModules(config, modules);
  const layers = targeted.filter(({ path }) => !excluded(path));
  if (targeted.length === 0) throw new IdiolectError('CONFIG', 'target_modules names no layer.');
  if (layers.length === 0) {
    throw new IdiolectError('CONFIG', 'exclude_modules leaves out every layer that target_modules names.');
  }
  return layers.map(layer => {
    const own = {
      ...config,
      rank: rankOf(layer.path) ?? config.rank,
      loraAlpha: alphaOf(layer.path) ?? config.loraAlpha,
    };
    return { ...layer, rank: own.rank, scale: loraScale(own) };
  });
}

function exclusion(exclude: Patterns['exclude']): (path: string) => boolean {
  if (exclude === undefined) return () => false;
  if (typeof exclude !== 'string') return path => exclude.some(name => endsWithName(path, name));
  const pattern = fullMatch('exclude_modules', exclude);
  return path => pattern.matches(path);
}

function lookup(setting: string, values: Readonly<Record<string, number>>): (path: string) => number | undefined {
  const patterns = Object.entries(values).map(([key, value]) => ({
    pattern: fullMatch(setting, `(.*\\.)?(${key})`),
    value,
  }));
  return path => patterns.find(({ pattern }) => pattern.matches(path))?.value;
}

/**
 * The same adapter with one rank and one scale for all layers, which is what the graphs take: narrow matrices are
 * filled up with zeros, and B is multiplied by what the scale of its layer differs.
 *
 * @param matrices A and B of each layer, as in the file
 * @throws IdiolectError CONFIG where little would grow into very much
 */
export function unified(
  config: LoraConfig,
  layers: readonly LayerSettings[],
  matrices: readonly LoraMatrix[],
): { config: LoraConfig; matrices: LoraMatrix[] } {
  const [first] = layers;
  const rank = Math.max(...layers.map(layer => layer.rank));
  const isEven = layers.every(layer => layer.rank === rank && layer.scale === first!.scale);
  // With one scale alpha follows from it; the formula's other direction.
  const loraAlpha = isEven ? first!.scale * (config.rslora ? Math.sqrt(rank) : rank) : config.loraAlpha;
  const whole = { ...config, rank, loraAlpha };
  const size = (rankOf: (layer: LayerSettings) => number) =>
    layers.reduce((sum, layer) => sum + rankOf(layer) * (layer.inWidth + layer.outWidth), 0);
  if (size(() => rank) > Math.max(MOST_ELEMENTS, MOST_GROWTH * size(layer => layer.rank))) {
    throw new IdiolectError('CONFIG', `rank_pattern gives ranks too far apart; the largest is ${rank}.`);
  }
  const scale = loraScale(whole);
  const byName = new Map(matrices.map(matrix => [matrix.name, matrix]));
  return {
    config: whole,
    matrices: layers.flatMap(layer => {
      const a = byName.get(matrixName(layer.path, 'A'))!;
      const b = byName.get(matrixName(layer.path, 'B'))!;
      if (layer.rank === rank && layer.scale === scale) return [a, b];
      return [moreRows(a, rank), moreColumns(b, rank, layer.scale / scale)];
    }),
  };
}

function moreRows({ name, shape: [, width], data }: LoraMatrix, rows: number): LoraMatrix {
  const wide = new Float32Array(rows * width);
  wide.set(data);
  return { name, shape: [rows, width], data: wide };
}

function moreColumns({ name, shape: [rows, width], data }: LoraMatrix, columns: number, factor: number): LoraMatrix {
  const wide = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < width; i++) wide[row * columns + i] = data[row * width + i]! * factor;
  }
  return { name, shape: [rows, columns], data: wide };
}
