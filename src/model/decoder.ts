/** The decoder of Llama, Mistral, Qwen2 and Qwen3 as a graph over packed tokens. */

import {
  type AttentionCache,
  add,
  addLowRank,
  attention,
  cast,
  type Graph,
  gather,
  gatherDistinct,
  geglu,
  type Layout,
  type LowRank,
  type RotaryTables,
  reshape,
  rmsNorm,
  rotary,
  scale,
  swiglu,
  type Value,
} from '../graph/index.ts';
import type { ModelConfig } from './config.ts';
import { keepName, type LoraConfig, loraScale, matrixName, targetedModules } from './lora.ts';
import type { LinearModule } from './modules.ts';
import type { WeightSource } from './weight-source.ts';

/** What every decoder graph is fed. `tokens` counts packed rows of the whole batch. */
export interface DecoderInputs {
  readonly ids: Value;
  readonly positions: Value;
  readonly layout: Layout;
  readonly tables: RotaryTables;
}

export function decoderInputs(g: Graph, headDim: number): DecoderInputs {
  return {
    ids: g.input('ids', 'int64', ['tokens']),
    positions: g.input('positions', 'int64', ['tokens']),
    layout: {
      rowOfPlace: g.input('row_of_place', 'int64', ['sequences', 'length']),
      placeOfRow: g.input('place_of_row', 'int64', ['tokens']),
    },
    tables: {
      cos: g.input('rope.cos', 'float32', ['positions', headDim / 2]),
      sin: g.input('rope.sin', 'float32', ['positions', headDim / 2]),
      minusSin: g.input('rope.minus_sin', 'float32', ['positions', headDim / 2]),
    },
  };
}

/** Which rows use which part of the rank, where several adapters are stacked along it. */
export const LORA_GATE = 'lora.gate';

/** A LoRA whose matrices the graph takes as inputs, so that one session serves every user. */
export interface LoraInGraph {
  /** Every matrix, in the order of `matrixShapes`. */
  readonly matrices: readonly Value[];
  readonly updates: ReadonlyMap<string, LowRank>;
}

export interface LoraInputOptions {
  /** Take dropout masks too; for training. */
  readonly dropout: boolean;
  /** Take the matrices of any number of adapters stacked along the rank, and a gate [tokens, ranks]; for decoding. */
  readonly stacked?: boolean;
}

export function loraInputs(
  g: Graph,
  config: LoraConfig,
  modules: readonly LinearModule[],
  { dropout, stacked = false }: LoraInputOptions,
): LoraInGraph {
  const updates = new Map<string, LowRank>();
  const matrices: Value[] = [];
  const rank = stacked ? 'ranks' : config.rank;
  const gate = stacked ? g.input(LORA_GATE, 'float32', ['tokens', rank]) : undefined;
  for (const { path, inWidth, outWidth } of targetedModules(config, modules)) {
    const a = g.input(matrixName(path, 'A'), 'float32', [rank, inWidth]);
    const b = g.input(matrixName(path, 'B'), 'float32', [outWidth, rank]);
    matrices.push(a, b);
    const keep =
      dropout && config.loraDropout > 0
        ? // one byte an element is fed; the factor makes the kept ones 1/(1-p)
          scale(
            g,
            cast(g, g.input(keepName(path), 'uint8', ['tokens', inWidth]), 'float32'),
            1 / (1 - config.loraDropout),
          )
        : undefined;
    updates.set(path, { a, b, scale: loraScale(config), keep, gate });
  }
  return { matrices, updates };
}

/** Tokens of each sequence the cache holds, among the graph inputs. */
export const CACHE_LENGTHS = 'cache.lengths';

/** Graph inputs that hold keys and values of earlier tokens, and outputs with those of the new ones, of one layer. */
export function cacheNames(layer: number): { past: [string, string]; present: [string, string] } {
  return {
    past: [`cache.${layer}.keys`, `cache.${layer}.values`],
    present: [`new.${layer}.keys`, `new.${layer}.values`],
  };
}

export interface DecoderOptions {
  readonly lora?: LoraInGraph;
  /** Read keys and values from a cache that holds so many tokens of each sequence, and hand on the new ones. */
  readonly cacheLengths?: Value;
}

/** The model without its head. */
export class Decoder {
  readonly #g: Graph;
  readonly #config: ModelConfig;
  readonly #weights: WeightSource;
  readonly #biased: ReadonlySet<string>;

  constructor(g: Graph, weights: WeightSource) {
    this.#g = g;
    this.#config = weights.config;
    this.#weights = weights;
    this.#biased = new Set(weights.linears.filter(({ bias }) => bias).map(({ path }) => path));
  }

  /**
   * Hidden states after the last norm at the packed rows `selected` (int64 [n], distinct), [n, hiddenSize]; of every
   * row where left out. Above the last attention no other row matters, so none is computed.
   */
  hidden(inputs: DecoderInputs, selected?: Value, options: DecoderOptions = {}): Value {
    const g = this.#g;
    const config = this.#config;
    const last = config.layers - 1;
    let x = g.scope('embed', () => this.#weights.embed(inputs.ids));
    for (let layer = 0; layer < config.layers; layer++) {
      const prefix = `model.layers.${layer}`;
      x = g.scope(`layers.${layer}.self_attn`, () => {
        const h = rmsNorm(g, x, this.#weights.vector(`${prefix}.input_layernorm.weight`), config.rmsNormEps);
        const attended = this.#attention(h, layer, inputs, options);
        const only = layer === last ? selected : undefined;
        const [rows, residual] = only ? [gatherDistinct(g, attended, only), gatherDistinct(g, x, only)] : [attended, x];
        return add(g, residual, this.#linear(rows, `${prefix}.self_attn.o_proj`, options, only));
      });
      x = g.scope(`layers.${layer}.mlp`, () => {
        const h = rmsNorm(g, x, this.#weights.vector(`${prefix}.post_attention_layernorm.weight`), config.rmsNormEps);
        const only = layer === last ? selected : undefined;
        const gate = this.#linear(h, `${prefix}.mlp.gate_proj`, options, only);
        const up = this.#linear(h, `${prefix}.mlp.up_proj`, options, only);
        return add(g, x, this.#linear(this.#gated(gate, up), `${prefix}.mlp.down_proj`, options, only));
      });
    }
    return g.scope('norm', () => rmsNorm(g, x, this.#weights.vector('model.norm.weight'), config.rmsNormEps));
  }

  /** Log-probability of `targets` (int64 [n]), one for each row of hidden [n, hiddenSize]; [n]. */
  logProbs(hidden: Value, targets: Value): Value {
    return this.#g.scope('head', () => this.#weights.logProbs(hidden, targets));
  }

  /** Logits over the vocabulary for each row of hidden [n, hiddenSize]; [n, vocabSize]. */
  logits(hidden: Value): Value {
    return this.#g.scope('head', () => this.#weights.logits(hidden));
  }

  #attention(h: Value, layer: number, inputs: DecoderInputs, options: DecoderOptions): Value {
    const g = this.#g;
    const { heads, kvHeads, headDim, windows, qkNorm } = this.#config;
    const path = `model.layers.${layer}.self_attn`;
    let q = this.#linear(h, `${path}.q_proj`, options);
    let k = this.#linear(h, `${path}.k_proj`, options);
    const v = this.#linear(h, `${path}.v_proj`, options);
    if (qkNorm) {
      q = this.#headNorm(q, `${path}.q_norm.weight`, heads);
      k = this.#headNorm(k, `${path}.k_norm.weight`, kvHeads);
    }
    q = rotary(g, q, inputs.positions, inputs.tables);
    k = rotary(g, k, inputs.positions, inputs.tables);
    const cache = options.cacheLengths && this.#cache(layer, options.cacheLengths);
    return attention(g, q, k, v, inputs.layout, { heads, kvHeads, headDim, window: windows[layer], cache });
  }

  /** RMSNorm of each head of x [tokens, heads*headDim]. */
  #headNorm(x: Value, weight: string, heads: number): Value {
    const { headDim, rmsNormEps } = this.#config;
    const perHead = reshape(this.#g, x, ['tokens', heads, headDim]);
    return reshape(this.#g, rmsNorm(this.#g, perHead, this.#weights.vector(weight), rmsNormEps), x.shape);
  }

  #gated(gate: Value, up: Value): Value {
    const { activation } = this.#config;
    return activation === 'silu' ? swiglu(this.#g, gate, up) : geglu(this.#g, gate, up, activation.gelu);
  }

  #cache(layer: number, lengths: Value): AttentionCache {
    const g = this.#g;
    const { kvHeads, headDim } = this.#config;
    const { past, present } = cacheNames(layer);
    const shape = ['sequences', kvHeads, 'capacity', headDim];
    return {
      keys: g.input(past[0], 'float32', shape),
      values: g.input(past[1], 'float32', shape),
      lengths,
      onUpdate(keys, values) {
        g.output(present[0], keys);
        g.output(present[1], values);
      },
    };
  }

  /** A linear layer, adapted if the LoRA reaches it; `only` are the rows x holds, where it does not hold all. */
  #linear(x: Value, path: string, { lora }: DecoderOptions, only?: Value): Value {
    const bias = this.#biased.has(path) ? this.#weights.vector(`${path}.bias`) : undefined;
    const update = lora?.updates.get(path);
    const rowsOf = (mask?: Value) => (mask && only ? gather(this.#g, mask, only) : mask);
    const masked = update && { ...update, keep: rowsOf(update.keep), gate: rowsOf(update.gate) };
    return addLowRank(this.#g, x, this.#weights.linear(x, path, bias), masked);
  }
}
