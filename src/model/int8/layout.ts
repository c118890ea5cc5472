/** What a model's 8-bit base consists of, and under which names its file holds it. */
import type { ActivationBits } from '../../graph/index.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { LinearModule } from '../modules.ts';

/** Rows of the output matrix in one block: few enough that its logits stay in the cache. */
export const HEAD_BLOCK = 8192;

/** The output matrix among the inputs and the layers. */
export const HEAD = 'lm_head';

/**
 * The input that a linear layer reads. Queries, keys and values read the same one, and so do gate and up: they share
 * what is made of it.
 */
export function inputOf(path: string): string {
  return path.replace(/self_attn\.[qkv]_proj$/, 'self_attn.input').replace(/mlp\.(gate|up)_proj$/, 'mlp.input');
}

/** How the input of a product is rounded. */
export interface Rounding {
  readonly bits: ActivationBits;
  /**
   * How much of each channel's range moves into the weights before rounding (alpha of SmoothQuant, Xiao et al. 2023,
   * equation 4). Absent where channels stay as they are.
   */
  readonly migration?: number;
}

/**
 * What a norm gives has channels that are large at every token: those are evened out. The other inputs have none; what
 * is large there moves from token to token, and in the input of down_proj a few values are a hundred times as large as
 * the rest, which 8 bits would round away. Queries and keys decide where attention looks, so they get 16 bits too, and
 * with these little has to move into their weights.
 */
export function roundingOf(input: string): Rounding {
  if (input.endsWith('self_attn.input')) return { bits: 16, migration: 0.3 };
  if (input.endsWith('mlp.input') || input === HEAD) return { bits: 8, migration: 0.7 };
  return { bits: input.endsWith('.down_proj') ? 16 : 8 };
}

/**
 * The linear layers that are kept in integers. Values stay in float: they are the most sensitive to rounding of all,
 * and in grouped-query attention the narrowest. So does one decoder layer in sixteen, from the first: what is rounded
 * there disturbs every layer above.
 */
export function integerModules({ config, linears }: Pick<Checkpoint, 'config' | 'linears'>): LinearModule[] {
  const first = Math.round(config.layers / 16);
  return linears.filter(({ path, layer }) => layer >= first && !path.endsWith('.v_proj'));
}

export const names = {
  factors: (input: string) => `${input}.factors`,
  values: (path: string, direction: 'forward' | 'backward') => `${path}.${direction}`,
  scale: (path: string, direction: 'forward' | 'backward') => `${path}.${direction}_scale`,
  headBlock: (start: number) => `${HEAD}.${start}`,
};
