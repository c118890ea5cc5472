/** The folder a merge writes: what is in it, what is not, and where it may not go. The numbers: tests/parity/merge.test.ts */
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureOf, fixtureFolder, temporaryFolders, writeTinyModel } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import type { Adapter } from './adapter.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { loraConfigSchema, matrixShapes } from './lora.ts';
import { mergeAdapter } from './merge.ts';
import { readBytes, readHeader, readMetadata } from './safetensors.ts';

const folders = temporaryFolders();
const origin = { baseModel: 'tiny', description: '# Merged\n\nFor a test.' };

function someAdapter(checkpoint: Checkpoint, size = 1): Adapter {
  const config = loraConfigSchema.parse({ rank: 2, targetModules: ['q_proj', 'down_proj'] });
  const source = random(1, 'merge');
  const matrices = matrixShapes(config, checkpoint.linears).map(({ name, shape }) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => size * source.normal()),
  }));
  return { config, matrices };
}

/** A model in a cache of links to read-only files, as hubs keep them, with much that is not the model beside it. */
async function crowdedModel(): Promise<string> {
  const blobs = await folders();
  await writeTinyModel(blobs);
  const folder = await folders();
  for (const name of await readdir(blobs)) {
    await chmod(join(blobs, name), 0o444);
    await symlink(join(blobs, name), join(folder, name));
  }
  const beside = [
    ...['generation_config.json', 'chat_template.jinja', 'tokenizer.model', 'LICENSE'],
    ...['README.md', 'pytorch_model.bin', 'pytorch_model-00001-of-00002.bin', 'pytorch_model.bin.index.json'],
    ...['model.safetensors.index.json', 'consolidated.safetensors', 'model.onnx', 'tf_model.h5', 'q4.gguf'],
    ...['adapter_config.json', 'adapter_model.safetensors', '.gitattributes'],
  ];
  for (const name of beside) await writeFile(join(folder, name), `the base's ${name}`);
  await mkdir(join(folder, 'onnx'));
  return folder;
}

describe('the folder', () => {
  test('has the base’s configuration and tokenizer, the weights in use, a card, and nothing else', async () => {
    const base = await crowdedModel();
    const checkpoint = await openCheckpoint(base);
    const folder = join(await folders(), 'merged');
    await mergeAdapter(checkpoint, someAdapter(checkpoint), folder, origin);
    const copied = ['LICENSE', 'chat_template.jinja', 'config.json', 'generation_config.json'];
    const tokenizer = ['tokenizer.json', 'tokenizer.model', 'tokenizer_config.json'];
    expect((await readdir(folder)).sort()).toEqual([
      ...['LICENSE', 'README.md', 'chat_template.jinja', 'config.json', 'generation_config.json'],
      ...['model.safetensors', ...tokenizer],
    ]);
    for (const name of [...copied, ...tokenizer]) {
      expect(await readFile(join(folder, name))).toEqual(await readFile(join(base, name)));
    }
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe(
      '---\nbase_model: tiny\nlibrary_name: transformers\ntags: [idiolect]\n---\n\n# Merged\n\nFor a test.\n',
    );
    expect((await openCheckpoint(folder)).fingerprint).not.toBe(checkpoint.fingerprint);
  });

  test('keeps shards, their index, the order of tensors and all weights but the adapted ones', async () => {
    const checkpoint = await openCheckpoint(fixtureFolder('llama-sharded'));
    const folder = join(await folders(), 'merged');
    const adapter = someAdapter(checkpoint);
    const seen: [number, number][] = [];
    await mergeAdapter(checkpoint, adapter, folder, { ...origin, onProgress: (...at) => void seen.push(at) });
    expect(seen).toEqual([1, 2, 3, 4].map(done => [done, 4]));
    const changed: string[] = [];
    const names = (await readdir(checkpoint.folder)).filter(name => name.startsWith('model'));
    expect((await readdir(folder)).filter(name => name.startsWith('model'))).toEqual(names);
    for (const name of names) {
      const [before, after] = [join(checkpoint.folder, name), join(folder, name)];
      if (name.endsWith('.json')) {
        expect(await readFile(after)).toEqual(await readFile(before));
        continue;
      }
      const [old, fresh] = [await readHeader(before), await readHeader(after)];
      expect(await readMetadata(after)).toEqual(await readMetadata(before));
      expect([...fresh.values()].map(entry => ({ ...entry, file: before }))).toEqual([...old.values()]);
      for (const [tensor, entry] of fresh) {
        if (Buffer.compare(await readBytes(entry), await readBytes(old.get(tensor)!)) !== 0) changed.push(tensor);
      }
    }
    expect(changed.sort()).toEqual(
      [0, 1].flatMap(layer =>
        ['mlp.down_proj', 'self_attn.q_proj'].map(name => `model.layers.${layer}.${name}.weight`),
      ),
    );
  });

  test('replaces an older one as a whole', async () => {
    const checkpoint = await openCheckpoint(await crowdedModel());
    const folder = join(await folders(), 'merged');
    await mkdir(folder);
    await writeFile(join(folder, 'old'), '');
    await mergeAdapter(checkpoint, someAdapter(checkpoint), folder, origin);
    expect(await readdir(folder)).not.toContain('old');
  });
});

describe('refused, with the base as it was and nothing left behind', () => {
  test('a folder that is, holds or lies in the base', async () => {
    const outer = await folders();
    const base = join(outer, 'base');
    await mkdir(base);
    await writeTinyModel(base);
    await symlink(base, join(outer, 'link'));
    const before = (await readdir(base)).sort();
    const checkpoint = await openCheckpoint(base);
    for (const folder of [base, join(outer, 'link'), outer, join(base, 'merged'), join(outer, 'link', 'a', 'b')]) {
      expect(await failureOf(() => mergeAdapter(checkpoint, someAdapter(checkpoint), folder, origin))).toEqual({
        code: 'CONFIG',
        message: `${folder} cannot take the merged model: the base model ${base} is there. Choose another folder.`,
      });
    }
    expect((await readdir(base)).sort()).toEqual(before);
    expect((await readdir(outer)).sort()).toEqual(['base', 'link']);
  });

  test('the folder that holds the files a cache links to', async () => {
    const blobs = await folders();
    await writeTinyModel(blobs);
    const base = await folders();
    for (const name of await readdir(blobs)) await symlink(join(blobs, name), join(base, name));
    const checkpoint = await openCheckpoint(base);
    const { code } = await failureOf(() => mergeAdapter(checkpoint, someAdapter(checkpoint), blobs, origin));
    expect(code).toBe('CONFIG');
  });

  test('an adapter whose merge does not fit into half precision', async () => {
    const checkpoint = await openCheckpoint(fixtureFolder('llama-f16'));
    const outer = await folders();
    const { code, message } = await failureOf(() =>
      mergeAdapter(checkpoint, someAdapter(checkpoint, 1000), join(outer, 'merged'), origin),
    );
    expect(code).toBe('CHECKPOINT');
    expect(message).toMatch(
      /^"model\.layers\.0\.\S+\.weight" cannot be merged: -?[\d.]+ cannot be stored as F16\. Check the adapter, or/,
    );
    expect(await readdir(outer)).toEqual([]);
  });
});
