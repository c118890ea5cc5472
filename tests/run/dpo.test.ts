/** DPO from the command's side: pairs of own and rejected texts, on adapters of another run, against the model alone. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { loadDataset } from '../../src/histories/dataset.ts';
import { type HistoryRecord, renderPrompt } from '../../src/histories/index.ts';
import { type RejectedText, readRejected } from '../../src/histories/rejected.ts';
import { userRecords } from '../../src/histories/user-records.ts';
import { LanguageModel, resolveSettings, type TrainEvent, train, trainSchema } from '../../src/index.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

/** So small that every pair counts in the loss: none is far on the flat side of it. */
const BETA = 0.02;

let place: Workspace;
/** Own training records of ada and grace, and what each was chosen over; linus has no pairs. */
let pairs: { record: HistoryRecord; rejected: string }[];
let rejected: string;

interface RunOptions {
  readonly out: string;
  readonly settings?: Record<string, unknown>;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
}

function settingsOf(out: string, settings: Record<string, unknown> = {}) {
  const { model, data, cache } = place;
  const paths = { model, data, cache, out: place.path(out) };
  const values = { ...paths, users: 'ada', klEvery: 0, saveEvery: 2, threads: 1, ...settings };
  return resolveSettings(trainSchema, [{ origin: 'test', values }]);
}

/** The adapters of a supervised run, to start from. */
function supervised(out: string, settings: Record<string, unknown> = {}) {
  const all = { method: 'sft', users: 'ada,grace', epochs: 4, lr: 1e-2, ...settings };
  return train(settingsOf(out, all), { version: 'test' });
}

function run({ out, settings = {}, ...options }: RunOptions) {
  const dpo = { method: 'dpo', rejected, beta: BETA, epochs: 2, batchSize: 4, lr: 1e-3, ...settings };
  return train(settingsOf(out, dpo), { version: 'test', ...options });
}

async function linesOf(file: string): Promise<Record<string, number | string>[]> {
  const text = await readFile(file, 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
}
const metricsOf = (out: string) => linesOf(place.path(join(out, 'metrics.jsonl')));

async function writePairs(name: string, of: typeof pairs): Promise<string> {
  const lines = of.map(
    ({ record: { user, input, output }, rejected }): RejectedText => ({
      ...{ user, input, output },
      rejected,
    }),
  );
  const file = place.path(name);
  await writeFile(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''));
  return file;
}

beforeAll(async () => {
  place = await workspace();
  const { users } = await loadDataset(settingsOf('unused').values);
  // Other texts for other records, so that a pair put together wrongly shows; one says nothing at all.
  pairs = ['ada', 'grace'].flatMap(user => {
    const { train: own } = users.get(user)!;
    const textOf = ({ input, output }: HistoryRecord) =>
      input === own[1]!.input ? '' : [...output].reverse().join('').toUpperCase();
    return own.map(record => ({ record, rejected: textOf(record) }));
  });
  rejected = await writePairs('rejected.jsonl', pairs);
  await supervised('sft');
});
afterAll(() => place.remove());

describe('pairs', () => {
  it('are each own record and what it was chosen over, in one order; records without are left out', async () => {
    const { values } = settingsOf('unused', { method: 'dpo', auxiliaryRatio: 3 });
    const dataset = await loadDataset(values);
    const without = await writePairs(
      'fewer.jsonl',
      pairs.filter((_, i) => i !== 2),
    );
    const { target, auxiliary, disliked, paired } = userRecords(
      dataset,
      'ada',
      { ...values, records: 'pairs' },
      await readRejected(without),
    );
    const own = pairs.filter(({ record }, i) => record.user === 'ada' && i !== 2);
    expect(target.map(({ record }) => record)).toEqual(own.map(({ record }) => record));
    expect(auxiliary.map(({ record }) => record)).toEqual(
      own.map(({ record, rejected }) => ({ ...record, output: rejected })),
    );
    expect([disliked, paired]).toEqual([[], true]);
  });
});

describe('a run from the adapters of another', () => {
  /** -log sigma(beta (z - z')), from the scores of the model with the adapter and without, over all pairs of ada. */
  async function lossByHand(adapterFolder: string, shift: number): Promise<number> {
    const { values } = settingsOf('unused');
    const model = await LanguageModel.load(place.model, { device: 'cpu', threads: 1 });
    const adapter = await model.loadAdapter(adapterFolder);
    const ratio = async (record: HistoryRecord, completion: string) => {
      const sequence = model.encode(renderPrompt(values.template, record), completion, values);
      return (await model.score(sequence, adapter)).logProb - (await model.score(sequence)).logProb;
    };
    const own = pairs.filter(({ record }) => record.user === 'ada');
    let sum = 0;
    for (const [i, { record }] of own.entries()) {
      const other = own[(i + shift) % own.length]!;
      const margin = (await ratio(record, record.output)) - (await ratio(other.record, other.rejected));
      sum += Math.log1p(Math.exp(-BETA * margin));
    }
    await model.close();
    return sum / own.length;
  }

  it('begins at their loss, with the model alone as the reference', async () => {
    const before = await contentOf(place.path('sft'));
    // One batch of all pairs: which meet in it is no matter.
    await run({ out: 'one-batch', settings: { start: place.path('sft'), batchSize: 64, epochs: 1 } });
    const [first, ...others] = await metricsOf('one-batch');
    expect(others).toEqual([]);
    const adapter = place.path('sft/adapters/ada');
    const byHand = await lossByHand(adapter, 0);
    // Batches of other shapes: equal up to float32 sums.
    expect(first!.loss).toBeCloseTo(byHand, 4);
    // Were the reference the started adapter, it would be ln 2; were the pairs parted, another number.
    expect(Math.abs(byHand - Math.LN2)).toBeGreaterThan(0.05);
    expect(Math.abs(byHand - (await lossByHand(adapter, 1)))).toBeGreaterThan(1e-3);

    expect(await contentOf(place.path('sft'))).toEqual(before);
    const weights = 'adapters/ada/adapter_model.safetensors';
    expect((await contentOf(place.path('one-batch')))[weights]).not.toBe(before[weights]);
  });

  it('without `start` begins at ln 2', async () => {
    await run({ out: 'fresh', settings: { epochs: 1 } });
    expect((await metricsOf('fresh'))[0]!.loss).toBeCloseTo(Math.LN2, 4);
  });

  it('widens the gap between own and rejected texts, user after user from the user’s own adapter', async () => {
    await run({ out: 'long', settings: { start: place.path('sft'), users: 'ada,grace', epochs: 6 } });
    const lines = await metricsOf('long');
    for (const user of ['ada', 'grace']) {
      const mine = lines.filter(line => line.user === user);
      // In rewards, beta times log-ratios: five nats a pair.
      expect(mine.at(-1)!.margin).toBeGreaterThan(Number(mine[0]!.margin) + 5 * BETA);
    }
    await run({ out: 'grace', settings: { start: place.path('sft'), users: 'grace', epochs: 6 } });
    expect(await contentOf(place.path('long/adapters/grace'))).toEqual(
      await contentOf(place.path('grace/adapters/grace')),
    );
  });

  it('continues where it stopped to the same bytes', async () => {
    const settings = { start: place.path('sft'), users: 'ada,grace' };
    await run({ out: 'whole', settings });
    for (const until of [1, 3, 4]) {
      const stop = new AbortController();
      let seen = 0;
      const onEvent = (event: TrainEvent) => {
        if (event.type === 'step' && ++seen === until) stop.abort();
      };
      const stopped = run({ out: 'parts', settings, onEvent, signal: stop.signal });
      await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    await run({ out: 'parts', settings });
    expect(await metricsOf('parts')).toEqual(await metricsOf('whole'));
    expect(await contentOf(place.path('parts/adapters'))).toEqual(await contentOf(place.path('whole/adapters')));
  });

  it('trains nobody again for the same rejected texts wherever they are, and only the users who have others', async () => {
    const settings = { start: place.path('sft'), users: 'ada,grace' };
    const events: TrainEvent[] = [];
    const moved = await writePairs('moved.jsonl', pairs);
    await run({ out: 'whole', settings: { ...settings, rejected: moved }, onEvent: event => void events.push(event) });
    expect(events).toEqual([{ type: 'start', users: 2, finished: 2, steps: 0 }]);
    const others = await writePairs(
      'others.jsonl',
      pairs.map(pair => (pair.record.user === 'ada' ? { ...pair, rejected: `${pair.rejected}!` } : pair)),
    );
    await cp(place.path('whole'), place.path('other-texts'), { recursive: true });
    const trained: string[] = [];
    await run({
      out: 'other-texts',
      settings: { ...settings, rejected: others },
      onEvent: event => event.type === 'adapter' && trained.push(event.user),
    });
    expect(trained).toEqual(['ada']);
    const [whole, changed] = [await metricsOf('whole'), await metricsOf('other-texts')];
    expect(changed.filter(({ user }) => user === 'grace')).toEqual(whole.filter(({ user }) => user === 'grace'));
  });

  it('continues from the same adapters wherever they lie, and not from others', async () => {
    const users = 'ada,grace';
    await cp(place.path('sft'), place.path('sft-moved'), { recursive: true });
    const events: TrainEvent[] = [];
    const onEvent = (event: TrainEvent) => void events.push(event);
    await run({ out: 'whole', settings: { start: place.path('sft-moved'), users }, onEvent });
    expect(events).toEqual([{ type: 'start', users: 2, finished: 2, steps: 0 }]);
    await supervised('sft-shorter', { epochs: 1 });
    await expect(run({ out: 'whole', settings: { start: place.path('sft-shorter'), users } })).rejects.toThrow(
      /holds a run with other settings \(another start\)/,
    );
    await expect(run({ out: 'whole', settings: { users } })).rejects.toThrow(/\(another start\)/);
  });
});

describe('what cannot be trained', () => {
  it.each<[string, () => Record<string, unknown> | Promise<Record<string, unknown>>, RegExp]>([
    [
      'dpo without rejected texts',
      () => ({ rejected: undefined }),
      /^`method` dpo needs `rejected`, a file of the texts that own records were chosen over\.$/,
    ],
    [
      'rejected texts with another method',
      () => ({ method: 'kto' }),
      /^`rejected` belongs to objectives of pairs, such as dpo; `method` kto takes others' records\. Leave it out\.$/,
    ],
    [
      'supervised fine-tuning with rejected texts',
      () => ({ method: 'sft' }),
      /^`rejected` belongs to objectives of pairs, such as dpo; `method` sft takes only own records/,
    ],
    [
      'a user without pairs',
      () => ({ users: 'ada,linus' }),
      /^`rejected` has no text for any training record of "linus"; each line needs the record's user, input and output\.$/,
    ],
    [
      'users of whom none has an adapter to start from',
      async () => {
        await supervised('sft-grace', { users: 'grace', epochs: 1 });
        return { start: place.path('sft-grace'), users: 'ada' };
      },
      /^`start`: .*sft-grace has no adapter for "ada"\. Name the run that has one, or leave `start` out\.$/,
    ],
    [
      'a start that is no run',
      () => ({ start: place.path('sft/adapters') }),
      /^`start`: .* is not a run folder; it has no run\.json\.$/,
    ],
    [
      'another rank than the adapters to start from',
      () => ({ start: place.path('sft'), rank: 4 }),
      /^`start`: .*ada has other LoRA settings than this run\. Give both the same\.$/,
    ],
    ['another scale', () => ({ start: place.path('sft'), loraAlpha: 8 }), /ada has other LoRA settings than this run/],
    [
      'other layers',
      () => ({ start: place.path('sft'), targetModules: ['q_proj'] }),
      /ada has other LoRA settings than this run/,
    ],
    [
      'adapters of another model',
      async () => {
        await writeTinyBackbone(place.path('other-backbone'), 1);
        return { start: place.path('sft'), model: place.path('other-backbone') };
      },
      /^`start`: .*sft was trained on another model than .*other-backbone\.$/,
    ],
    [
      'a line that is not JSON',
      async () => {
        await writeFile(place.path('torn.jsonl'), `${JSON.stringify({ user: 'ada' }).slice(0, 5)}\n`);
        return { rejected: place.path('torn.jsonl') };
      },
      /torn\.jsonl:1: not JSON/,
    ],
    [
      'a line without a rejected text',
      async () => {
        const lines = (await readFile(rejected, 'utf8')).split('\n');
        lines[2] = JSON.stringify({ user: 'ada', input: 'fix cache', output: 'fix(cache): done' });
        await writeFile(place.path('lacking.jsonl'), lines.join('\n'));
        return { rejected: place.path('lacking.jsonl') };
      },
      /lacking\.jsonl:3: "rejected" is missing\. Each line needs user, input, output and rejected\.$/,
    ],
    ['a file that is not there', () => ({ rejected: place.path('nowhere.jsonl') }), /nowhere\.jsonl/],
  ])('%s ends in one sentence, and the corrected command may use the folder', async (_, settings, sentence) => {
    const refused = run({ out: 'refused', settings: await settings() });
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(sentence) });
    await expect(refused).rejects.toHaveProperty('code', expect.stringMatching(/^(CONFIG|DATA)$/));
    expect(await readdir(place.path('refused')).catch(() => [])).not.toContain('run.json');
  });
});
