/** Model folders: configuration, weights in one file and in shards, and what is read beside them. */
import { join } from 'node:path';
import { LanguageModel } from '../../../src/language-model/language-model.ts';
import { EncoderEmbedder } from '../../../src/overlap/encoder-embedder.ts';
import { MODEL } from '../corpus.ts';
import { type Files, filesIn, fixture, type Kind } from '../kind.ts';

const ENGINE = { device: 'cpu', threads: 1 } as const;
const SHAPES = [
  'llama-mha',
  'llama-sharded',
  'llama-bf16',
  'llama3-rope',
  'llama-yarn',
  'llama-dynamic',
  'llama-bare',
  'mistral-window',
  'qwen2-window',
  'qwen3',
];
const BESIDE = ['expected.safetensors', 'adapter/adapter_config.json', 'adapter/adapter_model.safetensors'];

/** Sentence encoders, which `--embedder` names. */
const ENCODERS = ['cls', 'mean', 'sentence'];

async function embed(folder: string): Promise<void> {
  const encoder = await EncoderEmbedder.open(folder, ENGINE);
  try {
    await encoder.embed({ prompt: '', completion: 'fix the parser' });
  } finally {
    await encoder.close();
  }
}

/** Opened as a command does, and a text scored: what is accepted must also run. */
async function load(folder: string): Promise<void> {
  const model = await LanguageModel.load(folder, ENGINE);
  try {
    model.tokenizer.encodePrompt('fix the parser');
    await model.score({ ids: [0, 1, 2, 1], promptLength: 2 });
  } finally {
    await model.close();
  }
}

export const models: Kind = async corpus => {
  const { 'model.safetensors': weights, ...tiny } = await filesIn(join(corpus, MODEL));
  const generation = Buffer.from(JSON.stringify({ eos_token_id: [257], bos_token_id: 256, temperature: 0.6 }));
  const whole: Files = { ...tiny, 'model.safetensors': weights!, 'generation_config.json': generation };
  const small = ['config.json', 'generation_config.json', 'tokenizer_config.json'];
  const readings = SHAPES.map(async name => {
    const files = await filesIn(fixture(`checkpoints/${name}`), BESIDE);
    const tokenizer = { 'tokenizer.json': tiny['tokenizer.json']! };
    return { name, files: { ...files, ...tokenizer }, damaged: Object.keys(files), read: load };
  });
  const encoders = ENCODERS.map(async name => {
    const files = await filesIn(fixture(`encoders/${name}`), BESIDE);
    return { name: `the encoder ${name}`, files, read: embed };
  });
  return [
    { name: 'a whole folder', files: whole, damaged: small, read: load },
    { name: 'its weights', files: whole, damaged: ['model.safetensors', 'config.json'], read: load },
    ...(await Promise.all([...readings, ...encoders])),
  ];
};
