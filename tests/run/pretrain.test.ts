/** A model trained from nothing: its loss falls, it is the same wherever it was stopped, and it is an ordinary folder. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { resolveSettings } from '../../src/common/settings.ts';
import { LanguageModel } from '../../src/language-model/language-model.ts';
import { openCheckpoint } from '../../src/model/checkpoint.ts';
import { readWeights } from '../../src/model/weights.ts';
import { type PretrainEvent, pretrain, pretrainSchema } from '../../src/pretraining/pretrain.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
let config: Record<string, unknown>;
let tokens: Uint16Array;
let heldOut: Uint16Array;
let companions: string[];

beforeAll(async () => {
  place = await workspace();
  config = JSON.parse(await readFile(join(place.model, 'config.json'), 'utf8'));
  companions = ['tokenizer.json', 'tokenizer_config.json'].map(name => join(place.model, name));
  const { tokenizer } = await LanguageModel.load(place.model);
  const ids = habitualHistories(40).flatMap(({ output }) => tokenizer.encodeCompletion(output));
  const share = Math.floor(ids.length * 0.8);
  tokens = Uint16Array.from(ids.slice(0, share));
  heldOut = Uint16Array.from(ids.slice(share));
});
afterAll(() => place.remove());

function run(out: string, values: Record<string, unknown> = {}, options: Partial<Parameters<typeof pretrain>[2]> = {}) {
  const common = {
    steps: 12,
    batchSize: 4,
    blockLength: 32,
    warmupSteps: 2,
    lr: 5e-3,
    evaluateEvery: 6,
    saveEvery: 5,
    threads: 1,
  };
  const settings = { ...common, out: place.path(out), ...values };
  const sources = { config, tokens, heldOut, companions };
  const resolved = resolveSettings(pretrainSchema, [{ origin: 'test', values: settings }]);
  return pretrain(resolved, sources, { version: 'test', ...options });
}

const results = async (out: string) => ({
  model: await contentOf(place.path(join(out, 'model'))),
  metrics: await readFile(place.path(join(out, 'metrics.jsonl')), 'utf8'),
});

describe('training from nothing', () => {
  it('learns, and leaves a folder that opens as a model and scores as it was scored', async () => {
    const events: PretrainEvent[] = [];
    const { model, heldOutLoss } = await run('whole', {}, { onEvent: event => void events.push(event) });
    const losses = events.flatMap(event => (event.type === 'step' ? [event.loss] : []));
    expect(losses).toHaveLength(12);
    // Fresh weights know nothing: the loss starts at log(vocabulary), to the small spread of their logits.
    expect(Math.abs(losses[0]! - Math.log(258))).toBeLessThan(0.1);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 1);
    expect(events.filter(({ type }) => type === 'held-out')).toHaveLength(2);

    const opened = await LanguageModel.load(model);
    let sum = 0;
    const blocks = Math.floor((heldOut.length - 1) / 32);
    for (let i = 0; i < blocks; i++) {
      sum -= (await opened.score({ ids: [...heldOut.subarray(32 * i, 32 * i + 33)], promptLength: 1 })).logProb;
    }
    await opened.close();
    // Another graph over the same weights: float32 rounding of a mean near 4.
    expect(Math.abs(sum / blocks / 32 - heldOutLoss!)).toBeLessThan(1e-5);
  });

  it('continues to the same bytes wherever it was stopped', async () => {
    const whole = await results('whole');
    for (const stopAfter of [3, 5, 11]) {
      const stop = new AbortController();
      const onEvent = (event: PretrainEvent) => {
        if (event.type === 'step' && event.step === stopAfter) stop.abort();
      };
      const out = `stopped-${stopAfter}`;
      await expect(run(out, {}, { onEvent, signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
      const resumed: number[] = [];
      await run(out, {}, { onEvent: event => void (event.type === 'resume' && resumed.push(event.step)) });
      expect(resumed).toEqual([stopAfter]);
      expect(await results(out)).toEqual(whole);
    }
  });

  it('does not train a finished model again', async () => {
    const events: PretrainEvent[] = [];
    const before = await results('whole');
    const again = await run('whole', {}, { onEvent: event => void events.push(event) });
    expect(events).toEqual([]);
    expect(again.heldOutLoss).toBeGreaterThan(0);
    expect(await results('whole')).toEqual(before);
  });

  it('is another model with another seed, and refuses to mix the two', async () => {
    await run('seeded', { seed: 1, steps: 2 });
    expect((await results('seeded')).model).not.toEqual((await results('whole')).model);
    await expect(run('seeded', { seed: 2, steps: 2 })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  it('continues from a model trained before, and from no other shape', async () => {
    const start = place.path('whole/model');
    const losses: number[] = [];
    const onEvent = (event: PretrainEvent) => void (event.type === 'step' && losses.push(event.loss));
    await run('second', { start, seed: 1, steps: 2, lr: 1e-3 }, { onEvent });
    // Where the first run ended, not at log(vocabulary), where fresh weights begin.
    const { loss } = JSON.parse((await results('whole')).metrics.trimEnd().split('\n').at(-1)!);
    expect(Math.abs(losses[0]! - loss)).toBeLessThan(0.5);
    expect(losses[0]!).toBeLessThan(Math.log(258) - 1);
    expect(await readFile(place.path('second/model/README.md'), 'utf8')).toContain('trained further');

    // It is the weights that count, not the name of their folder.
    const copy = place.path('copy');
    await cp(start, copy, { recursive: true });
    const again: PretrainEvent[] = [];
    await run('second', { start: copy, seed: 1, steps: 2, lr: 1e-3 }, { onEvent: event => void again.push(event) });
    expect(again).toEqual([]);
    const other = place.path('seeded/model');
    await expect(run('second', { start: other, seed: 1, steps: 2, lr: 1e-3 })).rejects.toThrow(/\(another start\)/);

    const narrower = { ...config, num_hidden_layers: 1 };
    const resolved = resolveSettings(pretrainSchema, [
      { origin: 'test', values: { out: place.path('other'), steps: 1, start } },
    ]);
    await expect(
      pretrain(resolved, { config: narrower, tokens, heldOut, companions }, { version: 'test' }),
    ).rejects.toThrow(/whole\/model is a model of another shape/);
  });

  it('stores half precision when asked', async () => {
    const { model } = await run('half', { dtype: 'F16' });
    const checkpoint = await openCheckpoint(model);
    expect(new Set([...checkpoint.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    const [half, full] = [
      await readWeights(checkpoint),
      await readWeights(await openCheckpoint(place.path('whole/model'))),
    ];
    for (const [t, { data }] of full.entries()) {
      // half a unit in the last of 11 bits; below the smallest normal number, half its spacing
      data.forEach((value, i) => {
        expect(Math.abs(half[t]!.data[i]! - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
      });
    }
  });

  it('refuses tokens the vocabulary does not have', async () => {
    const sources = { config, tokens: Uint16Array.of(1, 258), heldOut, companions };
    const resolved = resolveSettings(pretrainSchema, [{ origin: 'test', values: { out: place.path('x'), steps: 1 } }]);
    await expect(pretrain(resolved, sources, { version: 'test' })).rejects.toThrow(
      /token id 258 is beyond vocab_size 258/,
    );
  });

  it('is given up where it diverges, with nothing published', async () => {
    for (const lr of [1e9, 3e38]) {
      await expect(run('diverged', { lr, warmupSteps: 0, out: place.path(`diverged-${lr}`) })).rejects.toMatchObject({
        code: 'DIVERGED',
      });
      expect(await contentOf(place.path(`diverged-${lr}`))).not.toHaveProperty('model/config.json');
    }
  });
});
