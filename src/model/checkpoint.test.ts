/** Opening a model folder: every weight is found and checked before anything runs, wherever links lead. */
import { cp, mkdir, open, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  allLogits,
  failureOf,
  fixtureFolder,
  largestDifference,
  oneThread,
  readExpected,
  safetensorsBytes,
  TINY_CONFIG,
  temporaryFolders,
  tinyWeights,
  writeTinyModel,
  writeTokenizer,
} from '../../tests/parity/support.ts';
import { LanguageModel } from '../language-model/language-model.ts';
import { openCheckpoint } from './checkpoint.ts';
import { ropeSource } from './rope.ts';
import { type NamedTensor, writeSafetensors } from './safetensors.ts';

const folders = temporaryFolders();
const tiny = async (weights?: readonly NamedTensor[]) => {
  const folder = await folders();
  await writeTinyModel(folder, TINY_CONFIG, weights);
  return folder;
};
const name = 'model.layers.1.mlp.up_proj.weight';

// transformers 5.24 computes with the head in the file, whatever tie_word_embeddings says.
test('a head in the file is used though the configuration ties it', async () => {
  const folder = await tiny();
  const config = { ...TINY_CONFIG, tie_word_embeddings: true };
  await writeTinyModel(folder, config, tinyWeights({ ...TINY_CONFIG, tie_word_embeddings: false }));
  expect((await openCheckpoint(folder)).config.tiedHead).toBe(false);
  await writeTinyModel(folder, config, tinyWeights(config));
  expect((await openCheckpoint(folder)).config.tiedHead).toBe(true);
});

test('weights the model does not use may lie in the file', async () => {
  const extra = { name: 'model.layers.0.self_attn.rotary_emb.inv_freq', shape: [2], data: Float32Array.of(1, 0.1) };
  const { linears, tensors } = await openCheckpoint(await tiny([...tinyWeights(), extra]));
  expect(linears).toHaveLength(14);
  expect(tensors.get(name)).toMatchObject({ dtype: 'F32', shape: [12, 8] });
});

describe('refused', () => {
  test('a tensor is missing', async () => {
    const folder = await tiny(tinyWeights().filter(weight => weight.name !== name));
    expect(await failureOf(() => openCheckpoint(folder))).toEqual({
      code: 'CHECKPOINT',
      message:
        `${folder}: tensor "${name}" of shape [12,8] is missing. ` +
        'The files and config.json do not belong together.',
    });
  });

  test('a tensor has another shape', async () => {
    const folder = await tiny(tinyWeights().map(w => (w.name === name ? { ...w, shape: [8, 12] } : w)));
    expect(await failureOf(() => openCheckpoint(folder))).toEqual({
      code: 'CHECKPOINT',
      message:
        `${await realpath(join(folder, 'model.safetensors'))}: tensor "${name}" has shape [8,12]; ` +
        'config.json asks for [12,8].',
    });
  });

  test('a tensor is not of floats', async () => {
    const folder = await tiny();
    const header = {
      'model.embed_tokens.weight': { dtype: 'I8', shape: [20, 8], data_offsets: [0, 160] },
      'model.layers.0.norm': { dtype: 'I8', shape: [1], data_offsets: [160, 161] },
      'model.layers.1.norm': { dtype: 'I8', shape: [1], data_offsets: [161, 162] },
    };
    await writeFile(join(folder, 'model.safetensors'), safetensorsBytes(header, new Uint8Array(162)));
    const { code, message } = await failureOf(() => openCheckpoint(folder));
    expect(code).toBe('CHECKPOINT');
    expect(message).toMatch(
      /tensor "model\.embed_tokens\.weight" is I8; only F32, F16 and BF16 weights are supported\.$/,
    );
  });

  test('no weights at all', async () => {
    const folder = await tiny();
    await rename(join(folder, 'model.safetensors'), join(folder, 'pytorch_model.bin'));
    expect(await failureOf(() => openCheckpoint(folder))).toEqual({
      code: 'CHECKPOINT',
      message:
        `${folder} holds neither model.safetensors nor model.safetensors.index.json. ` +
        'Convert other formats (pytorch_model.bin, GGUF) to safetensors first.',
    });
  });

  test('a shard is missing', async () => {
    const folder = await folders();
    await cp(fixtureFolder('llama-sharded'), folder, { recursive: true });
    await rename(join(folder, 'model-00002-of-00003.safetensors'), join(folder, 'elsewhere'));
    expect(await failureOf(() => openCheckpoint(folder))).toEqual({
      code: 'CHECKPOINT',
      message: `${join(folder, 'model-00002-of-00003.safetensors')}, named in the index, is missing. Download it.`,
    });
  });

  test.each(['{"weight_map": ', '{"weights": {}}'])('the index is %s', async text => {
    const folder = await tiny();
    await rename(join(folder, 'model.safetensors'), join(folder, 'one.safetensors'));
    const index = join(folder, 'model.safetensors.index.json');
    await writeFile(index, text);
    const { code, message } = await failureOf(() => openCheckpoint(folder));
    expect(code).toBe('CHECKPOINT');
    expect(message.startsWith(index)).toBe(true);
    expect(message).toMatch(/ is not (valid JSON|a weight index) \(/);
  });

  test.each(['../one.safetensors', '/etc/one.safetensors', 'a/one.safetensors', '..\\one.safetensors', '..', ''])(
    'the index names the file "%s"',
    async shard => {
      const folder = await tiny();
      await rename(join(folder, 'model.safetensors'), join(folder, 'one.safetensors'));
      await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { x: shard } }));
      const { code, message } = await failureOf(() => openCheckpoint(folder));
      expect(code).toBe('CHECKPOINT');
      expect(message).toContain(`names the file "${shard}"; weight files must be in the same folder.`);
    },
  );

  test('a weight in two shards', async () => {
    const folder = await tiny();
    await rename(join(folder, 'model.safetensors'), join(folder, 'one.safetensors'));
    await cp(join(folder, 'one.safetensors'), join(folder, 'two.safetensors'));
    const map = { weight_map: { x: 'one.safetensors', y: 'two.safetensors' } };
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(map));
    const { code, message } = await failureOf(() => openCheckpoint(folder));
    expect(code).toBe('CHECKPOINT');
    expect(message).toMatch(/two\.safetensors: tensor ".+" is in .+one\.safetensors too\./);
  });

  test('more layers than the files hold', async () => {
    const folder = await tiny();
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...TINY_CONFIG, num_hidden_layers: 4096 }));
    expect(await failureOf(() => openCheckpoint(folder))).toEqual({
      code: 'CHECKPOINT',
      message:
        `${folder}: config.json has num_hidden_layers 4096, but the weight files hold 2 layers. ` +
        'The files and config.json do not belong together.',
    });
  });

  test.each(['config.json', 'model.safetensors', 'model.safetensors.index.json', 'tokenizer.json'])(
    '%s is what Git LFS leaves in its place',
    async name => {
      const folder = await tiny();
      await writeTokenizer(folder);
      if (name.endsWith('index.json')) await rm(join(folder, 'model.safetensors'));
      await writeFile(join(folder, name), `version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n`);
      const { message } = await failureOf(() => LanguageModel.load(folder));
      const file = join(folder, name);
      expect(message).toContain(
        `${file} is a Git LFS pointer, not the file itself. Run "git lfs pull" in that repository.`,
      );
    },
  );
});

describe('a hub cache', () => {
  /** As huggingface_hub lays it out: snapshots/<commit>/<file> leads to blobs/<hash>. */
  async function cached(variant: string): Promise<string> {
    const root = await folders();
    const snapshot = join(root, 'snapshots', '0a1b');
    await mkdir(join(root, 'blobs'));
    await mkdir(snapshot, { recursive: true });
    const files = ['config.json', 'model.safetensors.index.json'];
    for (let i = 1; i <= 3; i++) files.push(`model-0000${i}-of-00003.safetensors`);
    for (const [i, file] of files.entries()) {
      await cp(join(fixtureFolder(variant), file), join(root, 'blobs', `e${i}`));
      await symlink(join('..', '..', 'blobs', `e${i}`), join(snapshot, file));
    }
    return snapshot;
  }

  test('opens and computes through its links', async () => {
    const folder = await cached('llama-sharded');
    const checkpoint = await openCheckpoint(folder);
    expect(checkpoint.weightsFolder).toBe(await realpath(join(folder, '..', '..', 'blobs')));
    const rope = ropeSource(checkpoint.config);
    const expected = await readExpected('llama-sharded');
    const logits = await allLogits({ checkpoint, engine: oneThread, rope }, expected.ids);
    expect(largestDifference(logits, expected.logits)).toBeLessThan(1e-4); // see tests/parity/checkpoints.test.ts
  });

  test('shards on several levels: the graph names them from the folder above all', async () => {
    const folder = await folders();
    await cp(fixtureFolder('llama-sharded'), folder, { recursive: true });
    await mkdir(join(folder, 'a', 'b'), { recursive: true });
    const shard = 'model-00003-of-00003.safetensors';
    await rename(join(folder, shard), join(folder, 'a', 'b', shard));
    await symlink(join('a', 'b', shard), join(folder, shard));
    const { weightsFolder, tensors } = await openCheckpoint(folder);
    expect(weightsFolder).toBe(await realpath(folder));
    expect(dirname(tensors.get('lm_head.weight')!.file)).toBe(join(await realpath(folder), 'a', 'b'));
  });
});

describe('fingerprint', () => {
  const fingerprint = async (folder: string) => (await openCheckpoint(folder)).fingerprint;

  test('is the same for a copy, another for other weights or another configuration', async () => {
    const first = await tiny();
    expect(await fingerprint(await tiny())).toBe(await fingerprint(first));
    const seen = new Set([await fingerprint(first)]);
    seen.add(await fingerprint(await tiny(tinyWeights(TINY_CONFIG, 2))));
    // One matrix of a fine-tuned copy moved, nothing else.
    const tuned = tinyWeights().map(w => (w.name === name ? { ...w, data: w.data.map(x => x * 1.001) } : w));
    seen.add(await fingerprint(await tiny(tuned)));
    await writeFile(join(first, 'config.json'), JSON.stringify({ ...TINY_CONFIG, rope_theta: 5e5 }));
    seen.add(await fingerprint(first));
    expect(seen.size).toBe(4);
  });

  // A 32-bit shift once turned the middle of a tensor beyond 2 GiB (an embedding table in F32) into a negative offset.
  test('tensors beyond 2 GiB', async () => {
    const folder = await tiny();
    const count = 600_000_000;
    let end = 0;
    const entry = (shape: readonly number[], bytes: number) => {
      end += bytes;
      return { dtype: 'F32', shape, data_offsets: [end - bytes, end] };
    };
    const header = Object.fromEntries(
      tinyWeights().map(({ name: tensor, shape, data }) => [tensor, entry(shape, data.byteLength)]),
    );
    header['lm_head.big'] = entry([count], count * 4);
    const file = join(folder, 'model.safetensors');
    await writeFile(file, safetensorsBytes(header));
    const handle = await open(file, 'r+');
    await handle.truncate((await handle.stat()).size + end); // sparse: takes no room on the disk
    const before = await fingerprint(folder);
    await handle.write(Uint8Array.of(1), 0, 1, (await handle.stat()).size - count * 2);
    await handle.close();
    expect(await fingerprint(folder)).not.toBe(before);
  });

  test('a file written over in place is seen', async () => {
    const folder = await tiny();
    const before = await fingerprint(folder);
    await writeSafetensors(join(folder, 'model.safetensors'), tinyWeights(TINY_CONFIG, 3));
    expect(await fingerprint(folder)).not.toBe(before);
  });
});
