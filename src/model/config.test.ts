/** config.json: both spellings say the same, and what is not supported is refused by name. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureOf, temporaryFolders } from '../../tests/parity/support.ts';
import { parseModelConfig, readModelConfig } from './config.ts';
import { inverseFrequencies } from './rope.ts';

const folder = temporaryFolders();

const base = {
  model_type: 'llama',
  vocab_size: 48,
  hidden_size: 32,
  intermediate_size: 40,
  num_hidden_layers: 3,
  num_attention_heads: 4,
};
const parse = (changes: object) => parseModelConfig({ ...base, ...changes }, 'config.json');

describe('facts', () => {
  test('what the file leaves out is as transformers has it', () => {
    expect(parse({})).toMatchObject({
      kvHeads: 4,
      headDim: 8,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
      tiedHead: false,
      qkvBias: false,
      qkNorm: false,
      windows: [undefined, undefined, undefined],
      maxPositions: 2048,
      bosTokenId: 1,
      eosTokenIds: [2],
    });
    expect(parse({ model_type: 'mistral', num_attention_heads: 16 })).toMatchObject({
      kvHeads: 8,
      maxPositions: 131_072,
    });
    const qwen = { num_attention_heads: 32, hidden_size: 64 };
    expect(parse({ ...qwen, model_type: 'qwen3' })).toMatchObject({ kvHeads: 32, headDim: 128, qkNorm: true });
    expect(parse({ ...qwen, model_type: 'qwen2' })).toMatchObject({ kvHeads: 32, qkvBias: true, outputBias: false });
    expect(parse({ ...qwen, model_type: 'qwen2' })).toMatchObject({ maxPositions: 32_768, eosTokenIds: [] });
  });

  test('biases where each family has them', () => {
    const all = { attention_bias: true, mlp_bias: true };
    expect(parse(all)).toMatchObject({ qkvBias: true, outputBias: true, mlpBias: true });
    const others = (type: string) => parse({ ...all, model_type: type, num_key_value_heads: 2 });
    expect(others('mistral')).toMatchObject({ qkvBias: false, outputBias: false, mlpBias: false });
    expect(others('qwen2')).toMatchObject({ qkvBias: true, outputBias: false, mlpBias: false });
    expect(others('qwen3')).toMatchObject({ qkvBias: true, outputBias: true, mlpBias: false });
  });

  // What transformers 5.24 makes of the same keys: the older one wins, and brings its own theta.
  const linear = { rope_type: 'linear', factor: 2 };
  const plain = { rope_type: 'default', rope_theta: 5e5 };
  test.each([
    [{ rope_parameters: plain, rope_scaling: linear }, 'linear', 10_000],
    [{ rope_parameters: plain, rope_scaling: linear, rope_theta: 777 }, 'linear', 777],
    [{ rope_scaling: { ...linear, rope_theta: 9 }, rope_theta: 777 }, 'linear', 9],
    [{ rope_parameters: { ...linear, rope_theta: 5e5 }, rope_scaling: { rope_type: 'default' } }, 'default', 10_000],
    [{ rope_parameters: { ...linear, rope_theta: 5e5 }, rope_scaling: {} }, 'linear', 5e5],
    [{ rope_parameters: { ...linear, rope_theta: 5e5 }, rope_scaling: null, rope_theta: 777 }, 'linear', 5e5],
    [{ rope_parameters: { rope_type: 'default' }, rope_theta: 777 }, 'default', 777],
    [{ rope_parameters: plain, rope_theta: 777 }, 'default', 5e5],
  ])('rope said twice: %j', (keys, type, theta) => {
    const { ropeScaling, ropeTheta } = parse(keys);
    expect([ropeScaling.rope_type, ropeTheta]).toEqual([type, theta]);
  });

  test('-1 is how old files say that there is no such token', () => {
    expect(parse({ bos_token_id: -1, eos_token_id: -1 })).toMatchObject({ bosTokenId: undefined, eosTokenIds: [] });
    expect(parse({ eos_token_id: [-1, 2] }).eosTokenIds).toEqual([2]);
  });

  test('one end token or several', () => {
    expect(parse({ eos_token_id: 2 }).eosTokenIds).toEqual([2]);
    expect(parse({ eos_token_id: [7, 9], bos_token_id: 0 })).toMatchObject({ eosTokenIds: [7, 9], bosTokenId: 0 });
  });

  const windowed = { sliding_window: 6, num_key_value_heads: 2 };
  test.each([
    ['llama, whatever it says', { ...windowed, model_type: 'llama' }, [undefined, undefined, undefined]],
    ['mistral', { ...windowed, model_type: 'mistral', num_key_value_heads: 2 }, [6, 6, 6]],
    ['mistral without the key', { model_type: 'mistral', num_key_value_heads: 2 }, [4096, 4096, 4096]],
    [
      'mistral without one',
      { sliding_window: null, model_type: 'mistral', num_key_value_heads: 2 },
      [undefined, undefined, undefined],
    ],
    ['qwen2, switched off', { ...windowed, model_type: 'qwen2' }, [undefined, undefined, undefined]],
    [
      'qwen2, from a layer on',
      { ...windowed, model_type: 'qwen2', use_sliding_window: true, max_window_layers: 1 },
      [undefined, 6, 6],
    ],
    [
      'qwen3, layer by layer',
      {
        ...windowed,
        model_type: 'qwen3',
        use_sliding_window: true,
        layer_types: ['sliding_attention', 'full_attention', 'sliding_attention'],
      },
      [6, undefined, 6],
    ],
  ])('window of %s', (_, changes, windows) => {
    expect(parse(changes).windows).toEqual(windows);
  });

  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
  test.each([
    ['theta alone', { rope_theta: 5e5 }, { rope_type: 'default' }],
    [
      'linear',
      { rope_theta: 5e5, rope_scaling: { rope_type: 'linear', factor: 2 } },
      { rope_type: 'linear', factor: 2 },
    ],
    [
      'linear, old key',
      { rope_theta: 5e5, rope_scaling: { type: 'linear', factor: 2 } },
      { rope_type: 'linear', factor: 2 },
    ],
    [
      'llama3',
      { rope_theta: 5e5, rope_scaling: { ...llama3, rope_type: 'llama3' } },
      { ...llama3, rope_type: 'llama3' },
    ],
    [
      'llama3, both keys',
      { rope_theta: 5e5, rope_scaling: { ...llama3, type: 'llama3', rope_type: 'llama3' } },
      { ...llama3, rope_type: 'llama3' },
    ],
  ])('both spellings of rope: %s', (_, hub, scaling) => {
    const old = parse(hub);
    const { ropeScaling, ...rest } = parse({ rope_parameters: { ...scaling, rope_theta: 5e5 } });
    expect({ ...old, ropeScaling: null }).toEqual({ ...rest, ropeScaling: null });
    expect(old.ropeTheta).toBe(5e5);
    expect(old.ropeScaling.rope_type).toBe(scaling.rope_type);
    expect(inverseFrequencies(16, 5e5, ropeScaling)).toEqual(inverseFrequencies(16, 5e5, old.ropeScaling));
  });
});

describe('refused', () => {
  const rope = 'is not supported; only default, linear, dynamic, llama3 and yarn are.';
  test.each([
    [{ model_type: 'gemma2' }, 'model_type "gemma2" is not supported. Supported are llama, mistral, qwen2, qwen3.'],
    [
      { quantization_config: { bits: 4 } },
      'the checkpoint is quantised (quantization_config). Use the F32, F16 or BF16 checkpoint it was made from.',
    ],
    [
      { hidden_act: 'relu\n' },
      'hidden_act "relu\\u{a}" is not supported. Supported are silu, swish, gelu, gelu_new, gelu_pytorch_tanh.',
    ],
    [{ is_causal: false }, '"is_causal": only true is supported.'],
    [{ is_causal: null }, '"is_causal": only true is supported.'],
    [{ partial_rotary_factor: 0.5 }, 'partial_rotary_factor other than 1 is not supported.'],
    [{ rope_scaling: { type: 'longrope', factor: 4 } }, `"rope_scaling.rope_type": rope type "longrope" ${rope}`],
    [
      { rope_parameters: { rope_type: 'longrope', rope_theta: 1 } },
      `"rope_parameters.rope_type": rope type "longrope" ${rope}`,
    ],
    [{ rope_scaling: { rope_type: 'linear' } }, '"rope_scaling.factor": expected number'],
    [{ num_key_value_heads: 3 }, 'num_attention_heads 4 is not a multiple of num_key_value_heads 3.'],
    [{ num_attention_heads: 5, head_dim: 8 }, 'hidden_size 32 is not a multiple of num_attention_heads 5.'],
    [
      { model_type: 'qwen2', num_attention_heads: 5, num_key_value_heads: 5 },
      'head_dim 6.4 is not an even whole number; hidden_size 32, heads 5.',
    ],
    [{ head_dim: 7 }, 'head_dim 7 is not an even whole number'],
    [{ hidden_size: undefined }, '"hidden_size": expected number, received undefined.'],
    [{ vocab_size: -1 }, '"vocab_size": Too small: expected number to be >0.'],
    [{ vocab_size: 2 ** 53 - 1 }, '"vocab_size": Too big'],
    [{ hidden_size: 2 ** 40 }, '"hidden_size": Too big'],
    [{ head_dim: 2 ** 40 }, '"head_dim": Too big'],
    [{ num_hidden_layers: 1e7 }, 'num_hidden_layers 10000000 is beyond 4096'],
    [{ num_hidden_layers: 1e9 }, 'num_hidden_layers 1000000000 is beyond 4096'],
    [{ num_hidden_layers: 2 ** 53 - 1 }, '"num_hidden_layers": Too big'],
    [{ rms_norm_eps: 1e300 }, '"rms_norm_eps": Too big'],
    [{ rope_theta: 1e300 }, '"rope_theta": Too big'],
    [{ rope_scaling: { type: 'linear', factor: 1e300 } }, '"rope_scaling.factor": Too big'],
    [{ bos_token_id: -2 }, '"bos_token_id": '],
  ])('%j', async (changes, sentence) => {
    const { code, message } = await failureOf(() => parse(changes));
    expect(code).toBe('MODEL');
    expect(message).toContain(`config.json: ${sentence}`);
  });

  test('something that is no configuration', async () => {
    for (const json of [null, 7, [], {}]) {
      const { message } = await failureOf(() => parseModelConfig(json, 'config.json'));
      expect(message).toContain('config.json: model_type undefined is not supported.');
    }
  });

  test('no file, and a file that is not JSON', async () => {
    const where = await folder();
    expect(await failureOf(() => readModelConfig(where))).toEqual({
      code: 'MODEL',
      message:
        `${join(where, 'config.json')} does not exist. ` +
        '`model` needs a Hugging Face folder with config.json, model.safetensors and tokenizer.json.',
    });
    await writeFile(join(where, 'config.json'), '{"model_type": ');
    const { code, message } = await failureOf(() => readModelConfig(where));
    expect(code).toBe('MODEL');
    expect(message).toMatch(/config\.json is not valid JSON \(.+\)\. `model` needs /);
  });
});
