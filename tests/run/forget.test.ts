/** A user who was taken out of a run is nowhere in it any more, and the others are as they were. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { writeHistories } from '../../src/histories/index.ts';
import { adaptSchema, compareSchema, resolveSettings, train, trainSchema } from '../../src/index.ts';
import { forget } from '../../src/jobs/forget.ts';
import { scoreRun } from '../../src/jobs/score/held-out.ts';
import { RunFolder } from '../../src/runs/run-folder.ts';
import { idiolect } from '../support/cli.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

/** In file names as another text than in files. */
const USER = 'Zoë "Z" Köhler';
const ENCODED = 'Zo%C3%AB%20%22Z%22%20K%C3%B6hler';
const records = habitualHistories(12).map(record => (record.user === 'grace' ? { ...record, user: USER } : record));
const own = records.filter(({ user }) => user === USER);
const others = records.filter(({ user }) => user !== USER);

let place: Workspace;
let run: string;
let cache: string;

async function trainOn(out: string, settings: Record<string, unknown> = {}) {
  const values = {
    ...{ model: place.model, data: place.data, out, cache: join(out, '../cache'), epochs: 1, klEvery: 0, rank: 2 },
    ...settings,
  };
  const trained: string[] = [];
  await train(resolveSettings(trainSchema, [{ origin: 'test', values }]), {
    version: 'test',
    onEvent: event => void (event.type === 'adapter' && trained.push(event.user)),
  });
  return trained;
}

beforeAll(async () => {
  place = await workspace();
  await writeHistories(place.data, records);
  await writeHistories(place.path('without.jsonl'), others);
  // One in which users.json, overlap.json, scores, a checkpoint and run.json name users, and a plain one.
  await mkdir(place.path('trained'));
  const divided = place.path('trained/divided');
  await writeFile(place.path('targets.json'), JSON.stringify({ targets: [USER, 'linus'] }));
  const users = ['linus', USER];
  await trainOn(divided, { targetUsers: place.path('targets.json'), auxiliaryFrom: 'all', users });
  await scoreRun({ run: divided, cache: place.path('trained/cache'), device: 'cpu', threads: 1 });
  await mkdir(join(divided, 'state', ENCODED), { recursive: true });
  await writeFile(join(divided, 'state', ENCODED, 'checkpoint.safetensors'), '');
  await mkdir(join(divided, 'adapters', `.${ENCODED}.999999999.partial`));
  await trainOn(place.path('trained/plain'), { alpha: 0.2 });
}, 60_000);
afterAll(() => place.remove());
beforeEach(async () => {
  await rm(place.path('copy'), { recursive: true, force: true });
  await cp(place.path('trained'), place.path('copy'), { recursive: true });
  [run, cache] = [place.path('copy/divided'), place.path('copy/cache')];
});

const ofUser = ['Köhler', ENCODED, ...own.map(({ output }) => output)];

/** Paths below a folder in whose names or contents there is a name or a text of the user. */
async function tracesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const file of files) {
    const path = join(file.parentPath, file.name).slice(folder.length + 1);
    const content = file.isFile() ? await readFile(join(folder, path), 'utf8') : '';
    if (ofUser.some(text => path.includes(text) || content.includes(text))) found.push(path);
  }
  return found.sort();
}

/** The files of the others' adapters. */
async function othersIn(folder: string): Promise<Record<string, string>> {
  const all = Object.entries(await contentOf(join(folder, 'adapters')));
  const kept = all.filter(([path]) => !path.startsWith(ENCODED));
  expect(kept.length).toBeGreaterThan(2);
  return Object.fromEntries(kept);
}

describe('forget', () => {
  it('leaves neither name nor text of the user in the run, nor caches of the texts', async () => {
    const files = ['users.json', 'overlap.json', 'metrics.jsonl', 'run.json', 'lineage/linus.json'];
    const named = [`adapters/${ENCODED}`, `state/${ENCODED}`, `scores/${ENCODED}.txt`, `lineage/${ENCODED}.json`];
    expect(await tracesIn(run)).toEqual(expect.arrayContaining([...files, ...named]));
    const { caches } = await forget(USER, { out: run, cache });
    expect(await tracesIn(run)).toEqual([]);
    const folders = caches.map(file => file.slice(cache.length + 1, file.lastIndexOf('/')));
    expect(folders.sort()).toEqual(['embeddings', 'reference']);
    for (const file of caches) expect(Object.keys(await contentOf(cache))).not.toContain(file.slice(cache.length + 1));
  });

  it('keeps what is of the others, byte for byte, and lists whose adapters saw texts of the user', async () => {
    const kept = await othersIn(run);
    const metrics = await readFile(join(run, 'metrics.jsonl'), 'utf8');
    expect(await forget(USER, { out: run, cache })).toMatchObject({ user: USER, seenBy: ['linus'], unknown: [] });
    expect(await othersIn(run)).toEqual(kept);
    const lines = metrics.split('\n').filter(line => !line.includes('Köhler'));
    expect(await readFile(join(run, 'metrics.jsonl'), 'utf8')).toBe(lines.join('\n'));
    const lineage = JSON.parse(await readFile(join(run, 'lineage/linus.json'), 'utf8'));
    expect(lineage).toMatchObject({ seen: ['ada'], forgotten: 1 });
  });

  it('takes out a user who has no adapter and whose texts others were trained against', async () => {
    expect(await forget('ada', { out: run, cache })).toMatchObject({ seenBy: [USER, 'linus'] });
    for (const file of ['run.json', 'users.json', `lineage/${ENCODED}.json`, 'lineage/linus.json']) {
      expect(await readFile(join(run, file), 'utf8')).not.toContain('ada');
    }
    const lineage = await readdir(join(run, 'lineage'));
    expect(lineage.sort()).toEqual([`${ENCODED}.json`, 'linus.json']);
  });

  it('names adapters of which no lineage was kept', async () => {
    await rm(join(run, 'lineage'), { recursive: true });
    expect(await forget(USER, { out: run, cache })).toMatchObject({ seenBy: [], unknown: ['linus'] });
    expect(await tracesIn(run)).toEqual([]);
  });

  it('removes an adapter that a kill left in the middle of being replaced', async () => {
    const adapters = join(run, 'adapters');
    await cp(join(adapters, ENCODED), join(adapters, `.${ENCODED}.999999999.partial.old`), { recursive: true });
    await rm(join(adapters, ENCODED), { recursive: true });
    await forget(USER, { out: run, cache });
    expect(await tracesIn(run)).toEqual([]);
  });

  it('gives the same list where it was stopped after the name was taken out of the lineage of others', async () => {
    vi.spyOn(RunFolder.prototype, 'truncateMetrics').mockRejectedValueOnce(new Error('stopped'));
    await expect(forget(USER, { out: run, cache })).rejects.toThrow('stopped');
    expect(await readFile(join(run, 'lineage/linus.json'), 'utf8')).not.toContain('Köhler');
    expect(await forget(USER, { out: run, cache })).toMatchObject({ user: USER, seenBy: ['linus'] });
    expect(await tracesIn(run)).toEqual([]);
  });

  it.each([`adapters/${ENCODED}`, `state/${ENCODED}`, `scores/${ENCODED}.txt`, 'overlap.json', 'metrics.jsonl'])(
    'does without %s',
    async gone => {
      await rm(join(run, gone), { recursive: true });
      await forget(USER, { out: run, cache });
      expect(await tracesIn(run)).toEqual([]);
    },
  );
});

describe('after it, the same train command', () => {
  it('takes a run with target users on from there, and it can be scored', async () => {
    const kept = await othersIn(run);
    await forget(USER, { out: run, cache });
    const settings = { data: place.path('without.jsonl'), targetUsers: join(run, 'users.json'), auxiliaryFrom: 'all' };
    expect(await trainOn(run, settings)).toEqual([]);
    expect(await othersIn(run)).toEqual(kept);
    expect(await tracesIn(run)).toEqual([]);
    const scores = await scoreRun({ run, cache, device: 'cpu', threads: 1 });
    expect(scores.users.map(({ user }) => user)).toEqual(['linus']);
  });

  it('trains that user alone where the histories still hold the records, to the same bytes', async () => {
    const plain = place.path('copy/plain');
    const before = await contentOf(join(plain, 'adapters'));
    await forget(USER, { out: plain, cache });
    expect(await trainOn(plain, { alpha: 0.2 })).toEqual([USER]);
    expect(await contentOf(join(plain, 'adapters'))).toEqual(before);
  });

  it('trains nobody without those records, and another whose adapter was removed as a new run would', async () => {
    const [plain, fresh] = [place.path('copy/plain'), place.path('copy/fresh')];
    const settings = { alpha: 0.2, data: place.path('without.jsonl') };
    const kept = await othersIn(plain);
    await forget(USER, { out: plain, cache });
    expect(await trainOn(plain, settings)).toEqual([]);
    expect(await othersIn(plain)).toEqual(kept);
    await rm(join(plain, 'adapters/linus'), { recursive: true });
    expect(await trainOn(plain, settings)).toEqual(['linus']);
    await trainOn(fresh, { ...settings, users: 'linus' });
    expect(await contentOf(join(plain, 'adapters/linus'))).toEqual(await contentOf(join(fresh, 'adapters/linus')));
    const lineage = await readFile(join(plain, 'lineage/linus.json'), 'utf8');
    expect(lineage).toBe(await readFile(join(fresh, 'lineage/linus.json'), 'utf8'));
  });
});

describe('the command', () => {
  const forgetting = (...args: string[]) => idiolect(['forget', ...args, '--cache', cache]);
  const recordOf = (schema: typeof adaptSchema | typeof compareSchema, values: Record<string, unknown>) =>
    new RunFolder(run).open(resolveSettings(schema, [{ origin: 'test', values }]), { model: '', data: '' }, '', {
      notIdentity: [],
    });

  it('says what is left to do, and that the histories are unchanged; there is nothing to do twice', async () => {
    const { code, stdout } = await forgetting(USER, '--out', run);
    expect(code).toBe(0);
    expect(stdout).toContain(`${run} has no data of "${USER}" any more.`);
    expect(stdout).toContain(`Adapters trained against texts of "${USER}": linus. To train one again without`);
    expect(stdout).toContain(`If they have records of "${USER}", the next train command trains the user again.`);
    const again = await forgetting(USER, '--out', run);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain(`has no data of a user "${USER}". It has data of ada, linus.`);
  });

  it('prints the same as JSON', async () => {
    const { stdout } = await forgetting(USER, '--out', run, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ user: USER, run, cache, seenBy: ['linus'], unknown: [] });
  });

  it.each([
    [
      'a user it does not know',
      async () => ['Zoe "Z" Köhler', '--out', run],
      /has no data of a user "Zoe "Z" Köhler"\. Did you mean "Zoë "Z" Köhler"\?/,
    ],
    ['a folder that is no run', async () => [USER, '--out', cache], /cache is not a run: there is no run\.json\./],
    ['a folder that is not there', async () => [USER, '--out', `${run}x`], /is not a run: there is no run\.json\./],
    [
      'a run in use',
      async () => {
        await writeFile(join(run, '.lock'), String(process.pid));
        return [USER, '--out', run];
      },
      /is in use/,
    ],
    [
      'an adapted model',
      async () => {
        await rm(run, { recursive: true });
        await recordOf(adaptSchema, { model: 'x', data: 'x', out: run, targetUsers: 1 });
        return [USER, '--out', run];
      },
      /was not made by idiolect train, and a user cannot be removed from a comparison or an adapted model: remove/,
    ],
    [
      'a comparison',
      async () => {
        await rm(run, { recursive: true });
        await recordOf(compareSchema, { model: 'x', data: 'x', out: run, targetUsers: 1 });
        return [USER, '--out', run];
      },
      /was not made by idiolect train/,
    ],
    [
      'a run inside a comparison',
      async () => {
        const file = join(run, 'run.json');
        const record = JSON.parse(await readFile(file, 'utf8'));
        record.settings.method.origin = 'method';
        await writeFile(file, JSON.stringify(record));
        return [USER, '--out', run];
      },
      /was not made by idiolect train/,
    ],
  ])('refuses %s in one sentence and changes nothing', async (_, args, sentence) => {
    const list = await args();
    const before = await contentOf(place.path('copy'));
    const { code, stdout, stderr } = await forgetting(...list);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 });
    expect(stderr).toMatch(sentence);
    expect(await contentOf(place.path('copy'))).toEqual(before);
  });
});
