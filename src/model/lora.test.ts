/** LoRA settings: which layers they reach, by PEFT's rules, and how a fresh adapter starts. */
import { describe, expect, test } from 'vitest';
import { failureOf, TINY_CONFIG } from '../../tests/parity/support.ts';
import { random } from '../common/random.ts';
import { parseModelConfig } from './config.ts';
import {
  initialMatrices,
  type LoraConfig,
  loraConfigSchema,
  loraScale,
  matrixShapes,
  targetedModules,
} from './lora.ts';
import { linearModules } from './modules.ts';

const modules = linearModules(parseModelConfig({ ...TINY_CONFIG, num_hidden_layers: 12 }, 'tiny'));
const lora = (changes: Partial<LoraConfig> = {}) => loraConfigSchema.parse(changes);
const paths = (changes: Partial<LoraConfig>) =>
  targetedModules(lora(changes), modules).map(({ path }) => path.replace('model.layers.', ''));

describe('targets', () => {
  test('a list matches whole names at the end of a path', () => {
    expect(paths({}).slice(0, 3)).toEqual(['0.self_attn.q_proj', '0.self_attn.v_proj', '1.self_attn.q_proj']);
    expect(paths({ targetModules: ['mlp.up_proj'] })).toHaveLength(12);
    // "1.mlp.up_proj" is layer 1, not 11
    expect(paths({ targetModules: ['1.mlp.up_proj'] })).toEqual(['1.mlp.up_proj']);
    expect(paths({ targetModules: ['model.layers.3.self_attn.o_proj'] })).toEqual(['3.self_attn.o_proj']);
  });

  test('the order is the model’s, whatever the order of the list, and nothing comes twice', () => {
    const forward = paths({ targetModules: ['q_proj', 'self_attn.q_proj', 'up_proj'] });
    expect(paths({ targetModules: ['up_proj', 'q_proj'] })).toEqual(forward);
    expect(new Set(forward).size).toBe(forward.length);
  });

  test('a string is an expression for the whole path', () => {
    expect(paths({ targetModules: String.raw`.*\.1\.mlp\.(up|down)_proj` })).toEqual([
      '1.mlp.up_proj',
      '1.mlp.down_proj',
    ]);
    // alternatives are each held to the whole path
    expect(paths({ targetModules: String.raw`.*\.2\.mlp\.up_proj|.*\.3\.mlp\.up_proj` })).toEqual([
      '2.mlp.up_proj',
      '3.mlp.up_proj',
    ]);
  });

  test("Python's flags and named groups", () => {
    expect(paths({ targetModules: String.raw`(?i).*\.1\.MLP\.Up_Proj` })).toEqual(['1.mlp.up_proj']);
    expect(paths({ targetModules: String.raw`.*\.(?P<layer>4)\.mlp\.(?P<name>up)_proj` })).toEqual(['4.mlp.up_proj']);
  });

  test('all-linear is every linear layer', () => {
    expect(paths({ targetModules: 'all-linear' })).toHaveLength(7 * 12);
    expect(paths({ targetModules: 'all-linear', layersToTransform: [11] })).toHaveLength(7);
  });

  test('layersToTransform narrows a list', () => {
    expect(paths({ targetModules: ['k_proj'], layersToTransform: [1, 11] })).toEqual([
      '1.self_attn.k_proj',
      '11.self_attn.k_proj',
    ]);
  });

  const names = 'q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj';
  test.each<[Partial<LoraConfig>, string]>([
    [{ targetModules: ['q_proj', 'query'] }, `target modules: no linear layer is called "query". There are ${names}.`],
    [{ targetModules: ['proj'] }, `target modules: no linear layer is called "proj". There are ${names}.`],
    [
      { targetModules: 'q_proj' },
      'target modules: the expression "q_proj" matches no linear layer. ' +
        'Paths look like "model.layers.0.self_attn.q_proj".',
    ],
    ...['(', '(?=a)b', '(?<!a)b', String.raw`(a)\1`, '(a{1000}){1000}'].map((targetModules): [object, string] => [
      { targetModules },
      `target modules: "${targetModules}" is not a regular expression that can be used ` +
        '(lookaround and back-references are not supported). Name the layers instead.',
    ]),
    ...['(([a-z_.0-9])+)+!', '(.*)*(.*)*x!', '(a+)+$', '(a|a)*b'].map((targetModules): [object, string] => [
      { targetModules },
      `target modules: the expression "${targetModules}" matches no linear layer. ` +
        'Paths look like "model.layers.0.self_attn.q_proj".',
    ]),
    [
      { targetModules: '.*q_proj', layersToTransform: [0] },
      'layers_to_transform works with a list of target modules; put the layer numbers into the expression instead.',
    ],
    [{ layersToTransform: [0, 12] }, 'layers to transform: layer 12 does not exist; the last one is 11.'],
  ])('%j', async (changes, message) => {
    expect(await failureOf(() => paths(changes))).toEqual({ code: 'CONFIG', message });
  });
});

test('scale: alpha / r, or alpha / sqrt(r) rank-stabilised', () => {
  expect(loraScale(lora({ rank: 16, loraAlpha: 8 }))).toBe(0.5);
  expect(loraScale(lora({ rank: 16, loraAlpha: 8, rslora: true }))).toBe(2);
});

describe('a fresh adapter', () => {
  const wide = linearModules(parseModelConfig({ ...TINY_CONFIG, hidden_size: 256, intermediate_size: 512 }, 'tiny'));
  const config = lora({ rank: 16, targetModules: ['q_proj', 'down_proj'] });

  test('A is uniform in ±1/sqrt(in), B is zero', () => {
    const matrices = initialMatrices(config, wide, random(1));
    expect(matrices.map(({ name, shape }) => ({ name, shape }))).toEqual(matrixShapes(config, wide));
    for (const { name, shape, data } of matrices) {
      expect(data).toHaveLength(shape[0] * shape[1]);
      if (name.endsWith('lora_B.weight')) {
        expect(data.every(value => value === 0)).toBe(true);
        continue;
      }
      // Kaiming uniform with a = sqrt 5 (PEFT): gain sqrt(2/6) times sqrt(3/in). Its variance is 1/(3 in).
      const bound = 1 / Math.sqrt(shape[1]);
      const mean = data.reduce((a, b) => a + b, 0) / data.length;
      const variance = data.reduce((a, b) => a + b * b, 0) / data.length;
      // with 4096 draws and more: four standard errors
      expect(Math.abs(mean)).toBeLessThan((4 * bound) / Math.sqrt(3 * data.length));
      expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(4 * Math.sqrt(0.8 / data.length));
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(largest).toBeLessThanOrEqual(Math.fround(bound));
      expect(largest).toBeGreaterThan(0.99 * bound);
    }
  });

  test('depends on the seed alone', () => {
    const draw = (seed: number) => initialMatrices(config, wide, random(seed, 'adapter'));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(4)[0]!.data).not.toEqual(draw(3)[0]!.data);
    expect(draw(3)[2]!.data).not.toEqual(draw(3)[0]!.data.slice(0, draw(3)[2]!.data.length));
  });
});
