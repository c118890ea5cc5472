/** What a run promises: the same bytes for the same seed, wherever it was stopped and whoever else was trained. */
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeLock } from '../../src/common/lock.ts';
import { resolveSettings, type TrainEvent, train, trainSchema } from '../../src/index.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

interface RunOptions {
  readonly out: string;
  readonly settings?: Record<string, unknown>;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
}

function run({ out, settings = {}, ...options }: RunOptions) {
  const { model, data } = place;
  const values = {
    model,
    data,
    cache: place.path('cache'),
    out: place.path(out),
    alpha: 0.2,
    saveEvery: 2,
    ...settings,
  };
  return train(resolveSettings(trainSchema, [{ origin: 'test', values }]), { version: 'test', ...options });
}

/** Stops the run after its n-th step. */
async function runUntil(step: number, options: RunOptions): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  const onEvent = (event: TrainEvent) => {
    if (event.type === 'step' && ++seen === step) stop.abort();
  };
  await expect(run({ ...options, onEvent, signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
}

const results = async (out: string) => ({
  adapters: await contentOf(place.path(join(out, 'adapters'))),
  metrics: await readFile(place.path(join(out, 'metrics.jsonl')), 'utf8'),
});

describe('a run', () => {
  it('gives the same adapters and metrics for the same seed, whether reference scores were cached or not', async () => {
    await run({ out: 'cold', settings: { cache: place.path('another-cache') } });
    await run({ out: 'warm' });
    await run({ out: 'again' });
    expect(await results('warm')).toEqual(await results('cold'));
    expect(await results('again')).toEqual(await results('cold'));
  });

  it('gives other adapters for another seed, and different users different ones', async () => {
    await run({ out: 'seeded', settings: { seed: 9 } });
    const weights = (content: Record<string, string>) =>
      Object.entries(content).flatMap(([file, hash]) => (file.endsWith('.safetensors') ? [hash] : []));
    const first = weights((await results('again')).adapters);
    const second = weights((await results('seeded')).adapters);
    expect(new Set([...first, ...second]).size).toBe(6);
  });

  it('trains a user the same whoever was trained before', async () => {
    await run({ out: 'alone', settings: { users: 'linus' } });
    const alone = (await results('alone')).adapters;
    const together = (await results('again')).adapters;
    expect(Object.keys(alone)).toHaveLength(4);
    expect(together).toMatchObject(alone);
  });

  it('continues where it stopped, between and inside users, with dropout too', async () => {
    const settings = { loraDropout: 0.25, targetModules: 'all-linear' };
    await run({ out: 'whole', settings });
    const total = (await results('whole')).metrics.trim().split('\n').length;
    await runUntil(1, { out: 'parts', settings });
    await runUntil(4, { out: 'parts', settings });
    await runUntil(Math.floor(total / 2) - 3, { out: 'parts', settings });
    await run({ out: 'parts', settings });
    expect(await results('parts')).toEqual(await results('whole'));
  });

  it('continues from an older checkpoint after a kill: the metrics beyond it are written again, not twice', async () => {
    await runUntil(5, { out: 'killed' });
    // What a kill leaves: lines of steps after the checkpoint, the last one torn.
    await appendFile(place.path('killed/metrics.jsonl'), '{"user":"ada","step":6,"loss":0}\n{"user":"ada","st');
    await run({ out: 'killed' });
    expect(await results('killed')).toEqual(await results('again'));
  });

  it('clears away what a killed process left half-made', async () => {
    const adapters = place.path('again/adapters');
    await mkdir(join(adapters, '.ada.999999999.partial'));
    await run({ out: 'again' });
    expect(await readdir(adapters)).toEqual(['ada', 'grace', 'linus']);
  });

  it('does not train finished users again', async () => {
    const weights = place.path('again/adapters/ada/adapter_model.safetensors');
    const before = (await stat(weights)).mtimeMs;
    const events: TrainEvent[] = [];
    await run({ out: 'again', onEvent: event => void events.push(event) });
    expect(events).toEqual([{ type: 'start', users: 3, finished: 3, steps: 0 }]);
    expect((await stat(weights)).mtimeMs).toBe(before);
  });

  it('starts at 2 ln 2 and reports the numbers of C-BPO', async () => {
    const [first] = (await results('again')).metrics.split('\n').map(line => line && JSON.parse(line));
    expect(first).toMatchObject({ user: 'ada', step: 1, epoch: 1 });
    // Policy and reference are scored in batches of other shapes: equal up to float32 sums.
    expect(first.loss).toBeCloseTo(2 * Math.LN2, 4);
    for (const name of ['delta', 'pure_negative_risk', 'target_reward', 'auxiliary_reward', 'grad_norm', 'lr']) {
      expect(first[name]).toBeTypeOf('number');
    }
  });

  it('lowers the loss of supervised fine-tuning, which needs no alpha and no one else', async () => {
    await run({
      out: 'sft',
      settings: { method: 'sft', alpha: undefined, targetModules: 'all-linear', epochs: 8, lr: 5e-3 },
    });
    const lines = (await results('sft')).metrics
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const ada = lines.filter(({ user }) => user === 'ada').map(({ loss }) => loss);
    expect(ada.at(-1)).toBeLessThan(ada[0] - 1);
  });
});

describe('a run folder', () => {
  it('keeps every setting with its origin', async () => {
    const record = JSON.parse(await readFile(place.path('again/run.json'), 'utf8'));
    expect(record.settings.alpha).toEqual({ value: 0.2, origin: 'test' });
    expect(record.settings.beta).toEqual({ value: 0.1, origin: 'default' });
    expect(record.sources.model).toMatch(/^[0-9a-f]{64}$/);
  });

  it('refuses other settings, naming them', async () => {
    await expect(run({ out: 'again', settings: { alpha: 0.5, rank: 4 } })).rejects.toThrow(
      /holds a run with other settings \(`alpha` 0.2 there, 0.5 here; `rank` 8 there, 4 here\)/,
    );
  });

  it('is refused while another process works in it, and taken over from one that is gone', async () => {
    const lock = place.path('again/.lock');
    const unlock = await takeLock(lock, 'this', '');
    await expect(run({ out: 'again' })).rejects.toThrow(`in use by process ${process.pid}`);
    await unlock();
    await writeFile(lock, '999999999');
    await run({ out: 'again' });
  });
});

describe('what cannot be trained', () => {
  it.each([
    [{ users: 'ada,eve' }, /has no user "eve".*It has 3, such as ada, grace, linus/],
    [{ users: 'grcae' }, /has no user "grcae" with records to train on\. Did you mean "grace"\? It has 3/],
    [{ template: 'haiku' }, /"haiku" is neither a template/],
    [{ model: 'nowhere' }, /nowhere is neither a folder nor a name on the Hub/],
    [{ data: 'nowhere.jsonl' }, /nowhere.jsonl/],
    [{ embedder: 'ngram' }, /"ngram" is neither backbone, ngrams nor a folder/],
    [{ targetModules: ['q_prj'] }, /no linear layer is called "q_prj". There are q_proj/],
  ])('%j ends in one sentence, and the corrected command may use the folder', async (settings, sentence) => {
    await expect(run({ out: 'refused', settings })).rejects.toThrow(sentence);
    expect(await readdir(place.path('refused')).catch(() => [])).not.toContain('run.json');
  });
});
