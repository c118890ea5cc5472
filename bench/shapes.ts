/** Model folders of published shapes with random weights: what a step costs does not depend on the values. */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../src/common/files.ts';
import { random } from '../src/common/random.ts';

const SHARED = { rms_norm_eps: 1e-5, hidden_act: 'silu', tie_word_embeddings: true, torch_dtype: 'float32' };

export const SHAPES = {
  'smollm2-135m': {
    ...SHARED,
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49152,
    max_position_embeddings: 8192,
    rope_theta: 100_000,
    bos_token_id: 1,
    eos_token_id: 2,
  },
  'qwen2.5-0.5b': {
    ...SHARED,
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    vocab_size: 151936,
    max_position_embeddings: 32768,
    rope_theta: 1_000_000,
    bos_token_id: 151643,
    eos_token_id: 151645,
  },
  /** What training from nothing is meant for: about seven million parameters. */
  'starter-7m': {
    ...SHARED,
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 256,
    intermediate_size: 704,
    num_hidden_layers: 7,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    vocab_size: 6144,
    max_position_embeddings: 512,
    rope_theta: 10_000,
    bos_token_id: 1,
    eos_token_id: 2,
  },
} as const;

/** Products x Wᵀ of a SmolLM2-135M step as [rows, outputs, inputs]: up_proj, down_proj, and a block of the head. */
export const PRODUCTS = [
  [512, 1536, 576],
  [512, 576, 1536],
  [512, 8192, 576],
] as const;

export type ShapeName = keyof typeof SHAPES;

/** Writes config.json and model.safetensors (F32, seeded) unless they are there; half a gigabyte and two. */
export async function writeShape(folder: string, name: ShapeName): Promise<void> {
  if (await exists(join(folder, 'config.json'))) return;
  await mkdir(folder, { recursive: true });
  const config = SHAPES[name];
  const { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers } = config;
  const headDim = hidden / config.num_attention_heads;
  const keyWidth = config.num_key_value_heads * headDim;
  const biased = config.model_type === 'qwen2';
  const tensors: [name: string, shape: number[]][] = [['model.embed_tokens.weight', [config.vocab_size, hidden]]];
  for (let layer = 0; layer < layers; layer++) {
    const at = (part: string) => `model.layers.${layer}.${part}`;
    for (const [part, width] of [
      ['q', hidden],
      ['k', keyWidth],
      ['v', keyWidth],
    ] as const) {
      tensors.push([at(`self_attn.${part}_proj.weight`), [width, hidden]]);
      if (biased) tensors.push([at(`self_attn.${part}_proj.bias`), [width]]);
    }
    tensors.push([at('self_attn.o_proj.weight'), [hidden, hidden]]);
    tensors.push([at('mlp.gate_proj.weight'), [inner, hidden]], [at('mlp.up_proj.weight'), [inner, hidden]]);
    tensors.push([at('mlp.down_proj.weight'), [hidden, inner]]);
    tensors.push([at('input_layernorm.weight'), [hidden]], [at('post_attention_layernorm.weight'), [hidden]]);
  }
  tensors.push(['model.norm.weight', [hidden]]);

  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const [tensor, shape] of tensors) {
    header[tensor] = { dtype: 'F32', shape, data_offsets: [end, end + 4 * size(shape)] };
    end += 4 * size(shape);
  }
  const text = JSON.stringify(header);
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));

  // One block of random numbers is used over and over, from changing places: fast to write, and no two rows equal.
  const source = random(0, name);
  const block = Float32Array.from({ length: 1 << 20 }, () => source.normal() * 0.02);
  const file = await open(join(folder, 'model.safetensors'), 'w');
  try {
    await file.write(Buffer.concat([prefix, padded]));
    for (const [tensor, shape] of tensors) {
      const ones = tensor.includes('norm');
      for (let left = size(shape); left > 0; ) {
        const from = source.integer(block.length / 2);
        const part = ones
          ? new Float32Array(left).fill(1)
          : block.subarray(from, from + Math.min(left, block.length - from));
        await file.write(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
        left -= part.length;
      }
    }
  } finally {
    await file.close();
  }
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}
