/** The linear layers of a decoder, by the names checkpoints and adapters give them. */
import type { ModelConfig } from './config.ts';

export interface LinearModule {
  /** Such as `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly layer: number;
  readonly inWidth: number;
  readonly outWidth: number;
  readonly bias: boolean;
}

/** Every linear layer an adapter may change, in the order the model applies them. */
export function linearModules(config: ModelConfig): LinearModule[] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim, qkvBias, outputBias, mlpBias } = config;
  const queryWidth = heads * headDim;
  const keyWidth = kvHeads * headDim;
  const perLayer: [name: string, inWidth: number, outWidth: number, bias: boolean][] = [
    ['self_attn.q_proj', hiddenSize, queryWidth, qkvBias],
    ['self_attn.k_proj', hiddenSize, keyWidth, qkvBias],
    ['self_attn.v_proj', hiddenSize, keyWidth, qkvBias],
    ['self_attn.o_proj', queryWidth, hiddenSize, outputBias],
    ['mlp.gate_proj', hiddenSize, intermediateSize, mlpBias],
    ['mlp.up_proj', hiddenSize, intermediateSize, mlpBias],
    ['mlp.down_proj', intermediateSize, hiddenSize, mlpBias],
  ];
  return Array.from({ length: config.layers }, (_, layer) =>
    perLayer.map(([name, inWidth, outWidth, bias]) => ({
      path: `model.layers.${layer}.${name}`,
      layer,
      inWidth,
      outWidth,
      bias,
    })),
  ).flat();
}
