/** PEFT folders: written whole or not at all, read back the same, and refused by name where they would mean more. */
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failureOf, fixtureFolder, TINY_CONFIG, temporaryFolders, writeTinyModel } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { type Adapter, readAdapter, writeAdapter } from './adapter.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { type LoraConfig, loraConfigSchema, matrixShapes } from './lora.ts';
import { readHeader, writeSafetensors } from './safetensors.ts';

const folders = temporaryFolders();
const origin = { baseModel: 'someone/base', description: '# A user' };

function adapterFor(checkpoint: Checkpoint, changes: Partial<LoraConfig> = {}): Adapter {
  const config = loraConfigSchema.parse(changes);
  const source = random(5);
  const matrices = matrixShapes(config, checkpoint.linears).map(({ name, shape }) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape[0] * shape[1] }, () => source.normal()),
  }));
  return { config, matrices };
}

async function tinyModel(changes: object = {}): Promise<Checkpoint> {
  const folder = await folders();
  await writeTinyModel(folder, { ...TINY_CONFIG, ...changes });
  return openCheckpoint(folder);
}

/** An adapter folder for a tiny model, its configuration changed. */
async function changed(changes: object): Promise<{ folder: string; checkpoint: Checkpoint }> {
  const checkpoint = await tinyModel();
  const folder = join(await folders(), 'adapter');
  await writeAdapter(folder, adapterFor(checkpoint), origin);
  const file = join(folder, 'adapter_config.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }));
  return { folder, checkpoint };
}

describe('round trip', () => {
  test.each<Partial<LoraConfig>>([
    {},
    { rank: 3, loraAlpha: 7, loraDropout: 0.05, rslora: true, targetModules: ['o_proj'], layersToTransform: [1] },
    { targetModules: '.*mlp.*' },
    { targetModules: 'all-linear' },
  ])('%j', async changes => {
    const checkpoint = await tinyModel();
    const written = adapterFor(checkpoint, changes);
    const folder = join(await folders(), 'deep', 'adapter');
    await writeAdapter(folder, written, origin);
    expect(await readAdapter(folder, checkpoint)).toEqual(written);
  });

  test('all-linear of some layers is written as names: PEFT takes layers_to_transform beside a list only', async () => {
    const checkpoint = await tinyModel();
    const written = adapterFor(checkpoint, { targetModules: 'all-linear', layersToTransform: [1] });
    const folder = join(await folders(), 'adapter');
    await writeAdapter(folder, written, origin);
    const { config, matrices } = await readAdapter(folder, checkpoint);
    expect(matrices).toEqual(written.matrices);
    const targetModules = ['down_proj', 'gate_proj', 'k_proj', 'o_proj', 'q_proj', 'up_proj', 'v_proj'];
    expect(config).toEqual({ ...written.config, targetModules });
  });

  test('the folder holds what PEFT and servers look for', async () => {
    const checkpoint = await tinyModel();
    const folder = join(await folders(), 'adapter');
    await writeAdapter(folder, adapterFor(checkpoint), origin);
    expect((await readdir(folder)).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toMatch(
      /^---\nbase_model: someone\/base\n[\s\S]*# A user\n$/,
    );
    expect(JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: 'someone/base',
      r: 8,
      lora_alpha: 16,
      target_modules: ['q_proj', 'v_proj'],
      bias: 'none',
      inference_mode: true,
      use_dora: false,
      modules_to_save: null,
    });
    const name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
    expect((await readHeader(join(folder, 'adapter_model.safetensors'))).get(name)!.shape).toEqual([8, 8]);
  });
});

describe('writing is atomic', () => {
  test('a write that fails leaves the old folder, and the next one goes through', async () => {
    const checkpoint = await tinyModel();
    const parent = await folders();
    const folder = join(parent, 'adapter');
    const old = adapterFor(checkpoint);
    await writeAdapter(folder, old, origin);
    const [first, ...rest] = adapterFor(checkpoint, { rank: 4 }).matrices;
    const full = {
      ...first!,
      get data(): Float32Array {
        throw new Error('no space left on device');
      },
    };
    const broken = { config: loraConfigSchema.parse({ rank: 4 }), matrices: [...rest, full] };
    await expect(writeAdapter(folder, broken, origin)).rejects.toThrow('no space left on device');
    expect(await readAdapter(folder, checkpoint)).toEqual(old);

    const next = adapterFor(checkpoint, { rank: 4 });
    await writeAdapter(folder, next, origin);
    expect(await readAdapter(folder, checkpoint)).toEqual(next);
    expect(await readdir(parent)).toEqual(['adapter']);
  });
});

describe('refused', () => {
  test.each([
    [{ use_dora: true }, 'use_dora is not supported.'],
    [{ modules_to_save: ['lm_head'] }, 'modules_to_save is not supported.'],
    [{ bias: 'lora_only' }, 'bias "lora_only" is not supported.'],
    [{ fan_in_fan_out: true }, 'fan_in_fan_out is not supported.'],
    [{ alora_invocation_tokens: [1, 2] }, 'alora_invocation_tokens is not supported.'],
    [{ monteclora_config: { num_samples: 2 } }, 'monteclora_config is not supported.'],
    [{ layer_replication: [[0, 1]] }, 'layer_replication is not supported.'],
    [
      { init_lora_weights: 'pissa_niter_16' },
      `init_lora_weights "pissa_niter_16" changes the base's weights too, so it is not supported. ` +
        'Save it from PEFT as a plain LoRA, with path_initial_model_for_weight_conversion.',
    ],
  ])('%j', async (changes, sentence) => {
    const { folder, checkpoint } = await changed(changes);
    const message = `${join(folder, 'adapter_config.json')}: ${sentence}`;
    expect(await failureOf(() => readAdapter(folder, checkpoint))).toEqual({ code: 'ADAPTER', message });
  });

  test.each([
    [{ peft_type: 'IA3' }, '"peft_type": "IA3" is not supported; only "LORA" is'],
    [{ r: 0 }, '"r": Too small'],
    [{ rank_pattern: { q_proj: 0.5 } }, '"rank_pattern.q_proj": expected int, received number'],
    [{ target_modules: 3 }, '"target_modules": Invalid input'],
  ])('%j', async (changes, reason) => {
    const { folder, checkpoint } = await changed(changes);
    const { code, message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(code).toBe('ADAPTER');
    const file = join(folder, 'adapter_config.json');
    expect(message.startsWith(`${file} is not a PEFT adapter configuration (${reason}`)).toBe(true);
  });

  test('settings PEFT writes when they are off', async () => {
    const off = { use_dora: false, rank_pattern: {}, modules_to_save: null, exclude_modules: [], lora_bias: false };
    const { folder, checkpoint } = await changed({ ...off, layers_to_transform: [], init_lora_weights: 'gaussian' });
    expect((await readAdapter(folder, checkpoint)).config.layersToTransform).toBeUndefined();
  });

  test.each([
    [{ target_modules: [] }, 'target_modules names no layer.'],
    [{ exclude_modules: ['q_proj', 'v_proj'] }, 'exclude_modules leaves out every layer that target_modules names.'],
    [{ exclude_modules: '(' }, 'exclude_modules: "(" is not a regular expression that can be used'],
    [{ rank_pattern: { '(?=q)': 2 } }, 'rank_pattern: "(.*\\.)?((?=q))" is not a regular expression that can be used'],
  ])('%j', async (changes, reason) => {
    const { folder, checkpoint } = await changed(changes);
    const { code, message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(code).toBe('ADAPTER');
    const file = join(folder, 'adapter_config.json');
    expect(message.startsWith(`${file} does not fit ${checkpoint.folder}: ${reason}`), message).toBe(true);
  });

  test('made for a model of another width', async () => {
    const { folder } = await changed({});
    const other = await tinyModel({ hidden_size: 16, head_dim: 4 });
    expect(await failureOf(() => readAdapter(folder, other))).toEqual({
      code: 'ADAPTER',
      message:
        `${join(folder, 'adapter_model.safetensors')}: tensor ` +
        '"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" has shape [8,8]; ' +
        `${other.folder} needs [8,16]. The adapter was made for another model. ` +
        'Its configuration names someone/base as its model.',
    });
  });

  test('made for a model with more layers, or fewer', async () => {
    const { folder } = await changed({});
    const weights = join(folder, 'adapter_model.safetensors');
    const shallow = await tinyModel({ num_hidden_layers: 1 });
    expect(await failureOf(() => readAdapter(folder, shallow))).toEqual({
      code: 'ADAPTER',
      message:
        `${weights}: tensor "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight" ` +
        `has no place in ${shallow.folder} with LoRA. Its configuration names someone/base as its model.`,
    });
    const deep = await tinyModel({ num_hidden_layers: 3 });
    const { message } = await failureOf(() => readAdapter(folder, deep));
    expect(message).toContain('tensor "base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight" is missing');
    expect(message).toContain(deep.folder);
  });

  test('layers the model does not have', async () => {
    const { folder, checkpoint } = await changed({ target_modules: ['c_attn'] });
    const { code, message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(code).toBe('ADAPTER');
    expect(message).toBe(
      `${join(folder, 'adapter_config.json')} does not fit ${checkpoint.folder}: target modules: ` +
        'no linear layer is called "c_attn". There are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.',
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d in a matrix', async value => {
    const { folder, checkpoint } = await changed({});
    const { matrices } = adapterFor(checkpoint);
    const [first, ...rest] = matrices;
    const data = Float32Array.from(first!.data);
    data[data.length - 1] = value;
    await writeSafetensors(join(folder, 'adapter_model.safetensors'), [{ ...first!, data }, ...rest]);
    const { code, message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(code).toBe('ADAPTER');
    expect(message).toContain(`tensor "${first!.name}" has weights that are not finite numbers`);
  });

  test('weights of 0 bytes', async () => {
    const { folder, checkpoint } = await changed({});
    await writeFile(join(folder, 'adapter_model.safetensors'), '');
    const { message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(message).toContain('adapter_model.safetensors: holds 0 bytes, too few for a header.');
  });

  test('a tensor more than LoRA has', async () => {
    const { folder, checkpoint } = await changed({});
    const { matrices } = adapterFor(checkpoint);
    const name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector';
    const extra = { name, shape: [8], data: new Float32Array(8) };
    await writeSafetensors(join(folder, 'adapter_model.safetensors'), [...matrices, extra]);
    const { code, message } = await failureOf(() => readAdapter(folder, checkpoint));
    expect(code).toBe('ADAPTER');
    expect(message).toContain(`tensor "${name}" has no place`);
  });

  test('no adapter there, no weights there, half a configuration', async () => {
    const checkpoint = await tinyModel();
    const nowhere = join(await folders(), 'adapter');
    expect(await failureOf(() => readAdapter(nowhere, checkpoint))).toEqual({
      code: 'ADAPTER',
      message: `${join(nowhere, 'adapter_config.json')} does not exist. An adapter is a folder in PEFT's format.`,
    });
    await cp(join(fixtureFolder('llama-mha'), 'adapter'), nowhere, { recursive: true });
    await rm(join(nowhere, 'adapter_model.safetensors'));
    const { message } = await failureOf(() => readAdapter(nowhere, checkpoint));
    expect(message).toContain(`${join(nowhere, 'adapter_model.safetensors')} does not exist.`);
    await writeFile(join(nowhere, 'adapter_model.bin'), '');
    expect((await failureOf(() => readAdapter(nowhere, checkpoint))).message).toContain('holds adapter_model.bin');
    await writeFile(join(nowhere, 'adapter_config.json'), '{"r": ');
    const damaged = await failureOf(() => readAdapter(nowhere, checkpoint));
    expect(damaged.message).toContain('adapter_config.json is not valid JSON (');
  });
});
