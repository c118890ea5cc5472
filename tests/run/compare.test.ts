/** `compare` whole: every method on a few simulated users, stopped and continued, and what it leaves behind. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSettings } from '../../src/common/settings.ts';
import { simulateSchema, writeSimulation } from '../../src/histories/index.ts';
import { compare } from '../../src/jobs/compare/compare.ts';
import type { CompareEvent } from '../../src/jobs/compare/events.ts';
import { METHOD_NAMES } from '../../src/jobs/compare/methods/catalogue.ts';
import { compareSchema } from '../../src/jobs/compare/task-settings.ts';
import type { Answer } from '../../src/results/answer.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

const METHODS = [...METHOD_NAMES, 'rag+cbpo'];

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
  await writeSimulation(place.path('users.jsonl'), simulateSchema.parse({ users: 7, records: 10, seed: 3 }));
});
afterAll(() => place.remove());

interface RunOptions {
  readonly settings?: Record<string, unknown>;
  readonly onEvent?: (event: CompareEvent) => void;
  readonly stop?: AbortController;
}

function run(out: string, { settings, onEvent, stop }: RunOptions = {}) {
  const values = {
    model: place.model,
    data: place.path('users.jsonl'),
    out: place.path(out),
    template: 'commit-subject',
    targetUsers: 3,
    developmentUsers: 2,
    methods: METHODS,
    rates: [1e-3, 1e-2],
    retrieved: [1, 2],
    profileRecords: [2, 3],
    maxTokens: 6,
    maxLength: 128,
    epochs: 1,
    taskEpochs: 1,
    embedder: 'ngrams',
    cache: place.cache,
    ...settings,
  };
  let clock = 0;
  return compare(resolveSettings(compareSchema, [{ origin: 'test', values }]), {
    version: 'test',
    now: () => clock++,
    ...(onEvent && { onEvent }),
    ...(stop && { signal: stop.signal }),
  });
}

/** Adapters, texts and what they were made of; not what tells of places and time. */
async function madeIn(out: string): Promise<Record<string, string>> {
  const files = Object.entries(await contentOf(place.path(out)));
  return Object.fromEntries(files.filter(([file]) => /\/(answers|rejected|samples)\/|safetensors$/.test(file)));
}

async function answersOf(out: string, method: string, user: string, group = 'targets'): Promise<Answer[]> {
  return JSON.parse(await readFile(join(place.path(out), group, 'answers', method, `${user}.json`), 'utf8'));
}

describe('idiolect compare', { timeout: 900_000 }, () => {
  it('asks every method the same queries of the same users, and writes tables, data, texts and a report', async () => {
    const tried: string[] = [];
    const events: CompareEvent[] = [];
    const { results, search, answers, markdown, json, report } = await run('whole', {
      onEvent: event => {
        events.push(event);
        if (event.type === 'tried') tried.push(event.tried.method);
      },
    });
    // What it will take is told before the first stage, and each stage tells what is ahead, down to nothing.
    const [forecast, first] = events.filter(({ type }) => type === 'forecast' || type === 'stage');
    expect(forecast).toMatchObject({ type: 'forecast', seconds: { likely: expect.any(Number) } });
    const ahead = events.flatMap(event => (event.type === 'stage' ? [event.ahead] : []));
    expect(first).toMatchObject({ type: 'stage', name: 'adapting the model to the task' });
    expect(ahead[0]!.stage + ahead[0]!.after).toBeCloseTo((forecast as { seconds: { likely: number } }).seconds.likely);
    expect(ahead.filter(({ stage }) => stage > 0)).toHaveLength((forecast as { stages: number }).stages);
    expect(ahead.at(-1)!.after).toBeCloseTo(0);
    expect(results.methods.map(({ name }) => name)).toEqual(METHODS);
    expect(results.anchor).toBe('cbpo');
    // Two tries for each method that has a hyper-parameter, none for those that have none.
    const searched = ['RAG', 'PAG', 'OPPU', 'DPO', 'CoPe', 'KTO', 'BCO', 'C-BPO'];
    expect(tried.toSorted()).toEqual([...searched, ...searched].toSorted());
    expect(search.filter(({ chosen }) => chosen)).toHaveLength(searched.length);

    for (const user of results.users) {
      const keys = (await answersOf('whole', 'base', user)).map(({ key }) => key);
      expect(keys).toHaveLength(2); // a fifth of ten records
      for (const method of METHODS) {
        const given = await answersOf('whole', method, user);
        expect(given.map(({ key }) => key)).toEqual(keys);
        for (const { logProb, tokens } of given) expect(tokens > 0 && logProb < 0).toBe(true);
      }
    }
    expect((await readdir(answers)).toSorted()).toEqual(METHODS.toSorted());
    const text = await readFile(markdown, 'utf8');
    for (const { title } of results.methods) expect(text).toContain(title);
    const data = JSON.parse(await readFile(json, 'utf8'));
    expect(data.results.users).toEqual(results.users);
    expect(data.costs.map(({ stage }: { stage: string }) => stage)).toContain('training: C-BPO');
    expect(await readFile(report, 'utf8')).toContain('</html>');
    const { targets, development, others } = data.users;
    expect([targets, development, others].map(({ length }) => length)).toEqual([3, 2, 2]);
    expect(new Set([...targets, ...development, ...others]).size).toBe(7);
  });

  it('continues where it was stopped, to the same adapters and texts', async () => {
    const settings = { methods: ['rag', 'cope', 'cbpo'] };
    const moments: ((event: CompareEvent) => boolean)[] = [
      event => event.type === 'adapt' && event.event.type === 'step' && event.event.step === 2,
      event => event.type === 'stage' && event.name.startsWith('trying CoPe'),
      event => event.type === 'train' && event.event.type === 'adapter' && event.event.folder.includes('targets'),
    ];
    for (const isTime of moments) {
      const stop = new AbortController();
      const onEvent = (event: CompareEvent) => void (isTime(event) && stop.abort());
      await expect(run('stopped', { settings, onEvent, stop })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    }
    await run('stopped', { settings });
    const straight = await madeIn('whole');
    const stopped = await madeIn('stopped');
    expect(Object.keys(stopped).length).toBeGreaterThan(30);
    for (const [file, hash] of Object.entries(stopped)) expect([file, hash]).toEqual([file, straight[file]]);
  });

  it('done again trains nothing and asks nothing; with fewer methods it takes what is there', async () => {
    const before = await madeIn('whole');
    let steps = 0;
    const { results } = await run('whole', {
      settings: { methods: ['tam', 'cbpo'] },
      onEvent: event => void (event.type === 'train' && event.event.type === 'step' && steps++),
    });
    expect(steps).toBe(0);
    expect(await madeIn('whole')).toEqual(before);
    expect(results.methods.map(({ name }) => name)).toEqual(['tam', 'cbpo']);
  });

  it('refuses other settings in the same folder, and says how many users are wanted and found', async () => {
    await expect(run('whole', { settings: { rates: [1e-3, 2e-2] } })).rejects.toThrow(/`rates` \[0.001,0.01\] there/);
    await expect(run('many', { settings: { targetUsers: 6 } })).rejects.toThrow(/ask for 8 users .* there are 7/);
  });

  it('shows no method what the users wrote later', async () => {
    const settings = { methods: ['rag', 'pag', 'cope', 'cbpo'], developmentUsers: 0 };
    const { results } = await run('told', { settings });
    const lines = (await readFile(place.path('users.jsonl'), 'utf8')).trimEnd().split('\n');
    const records: { user: string; output: string }[] = lines.map(line => JSON.parse(line));
    // The last fifth of each user's records, which stand in time order, is asked for.
    for (const user of new Set(records.map(record => record.user))) {
      for (const record of records.filter(record => record.user === user).slice(8))
        record.output = 'quite another text';
    }
    const data = place.path('changed.jsonl');
    await writeFile(data, records.map(record => `${JSON.stringify(record)}\n`).join(''));
    await run('changed', { settings: { ...settings, data } });
    for (const method of settings.methods) {
      for (const user of results.users) {
        const [before, after] = [await answersOf('told', method, user), await answersOf('changed', method, user)];
        expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
        expect(after.map(({ reference }) => reference)).toEqual(['quite another text', 'quite another text']);
      }
    }
  });

  it('chooses by the log-likelihood of what the users wrote when asked to', async () => {
    const settings = { methods: ['oppu'], skipAdaptation: true };
    const byMetric = await run('by-metric', { settings });
    const { search, markdown } = await run('by-likelihood', { settings: { ...settings, chooseBy: 'likelihood' } });
    const { development }: { development: string[] } = JSON.parse(await readFile(byMetric.json, 'utf8')).users;
    const likelihoodOf = async (rate: number) => {
      const ofUsers = development.map(async user => {
        const answers = await answersOf('by-likelihood', `oppu-${rate}`, user, 'development');
        const sum = (of: (answer: Answer) => number) => answers.reduce((total, answer) => total + of(answer), 0);
        return sum(({ logProb }) => logProb) / sum(({ tokens }) => tokens);
      });
      return (await Promise.all(ofUsers)).reduce((a, b) => a + b, 0) / development.length;
    };
    const expected = [await likelihoodOf(1e-3), await likelihoodOf(1e-2)];
    for (const [i, { score }] of search.entries()) expect(score).toBeCloseTo(expected[i]!, 12);
    // An untrained model's texts share no word with anybody's: ROUGE-1 is 0 for both, so that the likelihood decides.
    const chosenOf = ({ search }: typeof byMetric) => search.map(({ chosen }) => chosen);
    expect(byMetric.search.map(({ score }) => score)).toEqual([0, 0]);
    expect(chosenOf(byMetric)).toEqual([false, true]);
    expect(await readFile(byMetric.markdown, 'utf8')).toContain('the same for several tries of OPPU');
    expect(expected[1]).toBeGreaterThan(expected[0]!);
    expect(search.map(({ chosen }) => chosen)).toEqual([false, true]);
    expect(await readFile(markdown, 'utf8')).toContain('Hyper-parameters were chosen by log-likelihood on 2');
  });

  it('of one user gives that user’s numbers, though nobody is there to be unlike', async () => {
    const settings = { targetUsers: 1, developmentUsers: 0, skipAdaptation: true, methods: ['base', 'oppu'] };
    const { results } = await run('alone', { settings });
    expect(results.users).toHaveLength(1);
    expect(results.methods.map(({ name }) => name)).toEqual(['base', 'oppu']);
  });

  it('tells before any work that nobody is left whose records could be the others', async () => {
    const settings = { targetUsers: 7, developmentUsers: 0, skipAdaptation: true, auxiliaryFrom: 'others' };
    await expect(run('nobody', { settings })).rejects.toThrow('`auxiliaryFrom` others: every user is evaluated');
  });
});
