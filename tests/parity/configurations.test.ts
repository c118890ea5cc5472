/**
 * What is made of config.json files that leave keys out or say one thing twice, against what transformers makes of them
 * (tests/fixtures/configurations.py): the same, or the file is refused.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseModelConfig } from '../../src/model/config.ts';
import { linearModules } from '../../src/model/modules.ts';
import { inverseFrequencies, rotationScale } from '../../src/model/rope.ts';
import { failureOf } from './support.ts';

interface Outcome {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly maxPositions: number;
  readonly tiedHead: boolean;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | readonly number[] | null;
  readonly biases: readonly string[];
  /** For each layer, of 12 tokens. */
  readonly looksBack: readonly number[];
  readonly frequencies: readonly number[];
  readonly rotationScale: number;
}

type Case = { readonly config: Record<string, unknown> } & ({ readonly error: string } | Outcome);

const TOKENS = 12;
/** A few steps of float32, in which transformers takes the powers. */
const FREQUENCIES = 1e-6;

const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/configurations.json', import.meta.url), 'utf8'));

const named = ({ config }: Case) => {
  const { vocab_size: _, hidden_size: __, intermediate_size: ___, num_hidden_layers: ____, ...telling } = config;
  return JSON.stringify(telling);
};

/** Read by transformers, but so rare or so doubtful that the file is refused. */
const isRefusedHere = ({ config }: Case) => {
  const { partial_rotary_factor: partial } = (config.rope_parameters ?? {}) as Record<string, unknown>;
  const { factor } = (config.rope_scaling ?? {}) as Record<string, unknown>;
  return partial !== undefined || factor === null || config.vocab_size === undefined;
};
const isRefused = (each: Case) => 'error' in each || isRefusedHere(each);

describe('refused', () => {
  test.each(cases.filter(isRefused).map(each => [named(each), each] as const))('%s', async (_, each) => {
    expect((await failureOf(() => parseModelConfig(each.config, 'config.json'))).code).toBe('MODEL');
  });
});

describe('the same as transformers', () => {
  const read = cases.filter(each => !isRefused(each)).map(each => [named(each), each] as const);
  test.each(read)('%s', (_, each) => {
    const expected = each as Outcome & Case;
    const config = parseModelConfig(each.config, 'config.json');
    const {
      config: _config,
      frequencies,
      rotationScale: scale,
      biases,
      looksBack,
      bosTokenId,
      eosTokenId,
      ...sizes
    } = expected;
    expect(config).toMatchObject(sizes);
    expect(config.bosTokenId).toBe(bosTokenId ?? undefined);
    expect(config.eosTokenIds).toEqual([eosTokenId ?? []].flat().filter(id => id >= 0));
    const biased = linearModules(config).filter(({ path, bias }) => bias && path.includes('layers.0.'));
    const named = biased.map(({ path }) => path.split('.').at(-1)).filter(name => name !== 'up_proj');
    expect(named).toEqual(biases);
    expect(config.windows.map(window => Math.min(TOKENS, window ?? TOKENS))).toEqual(looksBack);
    expect(rotationScale(config.ropeScaling)).toBeCloseTo(scale, 12);
    const found = inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
    expect(found).toHaveLength(frequencies.length);
    for (const [i, value] of frequencies.entries()) {
      expect(Math.abs(found[i]! / value - 1), `frequency ${i}`).toBeLessThan(FREQUENCIES);
    }
  });
});
