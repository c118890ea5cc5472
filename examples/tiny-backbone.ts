/**
 * A very small Llama with random weights and a byte-level tokenizer, written as an ordinary Hugging Face folder.
 * It knows nothing yet; it stands in for a real model where an example or a test has to run anywhere in seconds.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random } from '../src/common/random.ts';
import { parseModelConfig } from '../src/model/config.ts';
import { linearModules } from '../src/model/modules.ts';
import { type NamedTensor, writeSafetensors } from '../src/model/safetensors.ts';

const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 258,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  hidden_act: 'silu',
  bos_token_id: 256,
  eos_token_id: 257,
  torch_dtype: 'float32',
};

/** Writes the folder. Equal seeds give equal bytes. */
export async function writeTinyBackbone(folder: string, seed = 0): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = parseModelConfig(CONFIG, 'the tiny backbone');
  const source = random(seed, 'tiny backbone');
  const tensor = (name: string, shape: number[], value: () => number): NamedTensor => ({
    name,
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, value),
  });
  const { hiddenSize, vocabSize, layers } = config;
  const norms = Array.from({ length: layers }, (_, layer) => [
    `model.layers.${layer}.input_layernorm.weight`,
    `model.layers.${layer}.post_attention_layernorm.weight`,
  ]).flat();
  await writeSafetensors(join(folder, 'model.safetensors'), [
    tensor('model.embed_tokens.weight', [vocabSize, hiddenSize], () => source.normal() * 0.1),
    ...[...norms, 'model.norm.weight'].map(name => tensor(name, [hiddenSize], () => 1)),
    ...linearModules(config).map(({ path, inWidth, outWidth }) =>
      tensor(`${path}.weight`, [outWidth, inWidth], () => source.normal() / Math.sqrt(inWidth)),
    ),
  ]);
  await writeFile(join(folder, 'config.json'), JSON.stringify(CONFIG, null, 2));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(byteTokenizer(), null, 1));
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<s>', eos_token: '</s>' }, null, 2),
  );
}

/** One token per byte: a byte-level BPE without merges. */
function byteTokenizer() {
  const vocab = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
  const special = (id: number, content: string) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(256, '<s>'), special(257, '</s>')],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [256], tokens: ['<s>'] } },
    },
    decoder: byteLevel,
    model: { type: 'BPE', dropout: null, unk_token: null, fuse_unk: false, vocab, merges: [] },
  };
}

/** The printable character that byte-level tokenizers write for each byte (GPT-2's table). */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}
