/** A frozen linear layer with a low-rank update (Hu et al. 2021). */
import type { Graph, Value } from '../graph.ts';
import { mul } from './elementwise.ts';
import { gemm } from './matmul.ts';

export interface LowRank {
  /** [r, in] */
  readonly a: Value;
  /** [out, r] */
  readonly b: Value;
  /** lora_alpha / r, or lora_alpha / sqrt(r). */
  readonly scale: number;
  /** Dropout on the update's own input, as PEFT has it: [tokens, in], 0 where dropped and 1/(1-p) elsewhere. */
  readonly keep?: Value;
  /** Which rows use which part of the rank: [tokens, r] of 0 and 1. Adapters stacked along r each reach their own rows. */
  readonly gate?: Value;
}

/** base + scale (x Aᵀ) Bᵀ, for a frozen layer's output `base` of x: the update lands in it by the addend of the last Gemm. */
export function addLowRank(g: Graph, x: Value, base: Value, update?: LowRank): Value {
  if (!update) return base;
  const seen = update.keep ? mul(g, x, update.keep) : x;
  const low = gemm(g, seen, update.a, { transB: true });
  const used = update.gate ? mul(g, low, update.gate) : low;
  return gemm(g, used, update.b, { transB: true, alpha: update.scale, addend: base });
}
