/** Checkpoints and results that are not what a run left: damaged, of another training, or needed no more. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeStaging } from '../../src/common/files.ts';
import { adapt, adaptSchema, resolveSettings, scoreRun, scoreSchema, train, trainSchema } from '../../src/index.ts';
import { LanguageModel } from '../../src/language-model/language-model.ts';
import { readFloats, readHeader, readMetadata, writeSafetensors } from '../../src/model/safetensors.ts';
import { pretrain, pretrainSchema } from '../../src/pretraining/pretrain.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
let tokens: Uint16Array;
beforeAll(async () => {
  place = await workspace();
  await writeFile(place.path('grace.json'), JSON.stringify({ targets: ['grace'] }));
  const { tokenizer } = await LanguageModel.load(place.model);
  tokens = Uint16Array.from(tokenizer.encodeCompletion((await readFile(place.data, 'utf8')).slice(0, 4000)));
  for (const kind of KINDS) {
    await stopped(kind, `${kind}-stopped`);
    await run(kind, `${kind}-whole`);
  }
}, 60_000);
afterAll(() => place.remove());

interface RunOptions {
  readonly seed?: number;
  readonly onEvent?: (event: { readonly type: string; readonly message?: string }) => void;
  readonly signal?: AbortSignal;
}

/** Everything that trains and keeps a checkpoint, with the folder in `state` and what it publishes. */
const TRAININGS = {
  train: { name: 'ada', result: 'adapters', files: ['ada/adapter_model.safetensors', 'ada/adapter_config.json'] },
  adapt: { name: 'task', result: 'adapter', files: ['adapter_model.safetensors', '../model/model.safetensors'] },
  pretrain: { name: 'model', result: 'model', files: ['model.safetensors', 'config.json'] },
} as const;
type Kind = keyof typeof TRAININGS;
const KINDS = Object.keys(TRAININGS) as Kind[];

async function run(kind: Kind, name: string, { seed = 0, ...options }: RunOptions = {}) {
  const { model, data, cache } = place;
  const [out, origin, version] = [place.path(name), 'test', 'test'];
  const common = { model, data, cache, out, seed, saveEvery: 2 };
  if (kind === 'train') {
    const values = { ...common, method: 'sft', users: 'ada' };
    return train(resolveSettings(trainSchema, [{ origin, values }]), { version, ...options });
  }
  if (kind === 'adapt') {
    const values = { ...common, targetUsers: place.path('grace.json') };
    return adapt(resolveSettings(adaptSchema, [{ origin, values }]), { version, ...options });
  }
  const values = { out, seed, saveEvery: 2, steps: 6, batchSize: 2, blockLength: 16, threads: 1 };
  const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
  const companions = ['tokenizer.json', 'tokenizer_config.json'].map(file => join(model, file));
  const resolved = resolveSettings(pretrainSchema, [{ origin, values }]);
  return pretrain(resolved, { config, tokens, heldOut: tokens.slice(0, 40), companions }, { version, ...options });
}

/** Runs and stops after the third step. */
async function stopped(kind: Kind, name: string, seed = 0): Promise<void> {
  const stop = new AbortController();
  let steps = 0;
  const onEvent = ({ type }: { readonly type: string }) => {
    if (type === 'step' && ++steps === 3) stop.abort();
  };
  await expect(run(kind, name, { seed, onEvent, signal: stop.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
}

const checkpointOf = (kind: Kind, out: string) =>
  place.path(join(out, 'state', TRAININGS[kind].name, 'checkpoint.safetensors'));
const resultOf = (kind: Kind, out: string) => contentOf(place.path(join(out, TRAININGS[kind].result)));

type Damage = (file: string) => Promise<void>;

/** Writes the file again with other metadata or other tensors. */
const rewritten =
  (change: (metadata: Record<string, string>, tensors: Float32Array[]) => Record<string, string>): Damage =>
  async file => {
    const tensors = await Promise.all(
      [...(await readHeader(file)).values()].map(async entry => ({ ...entry, data: await readFloats(entry) })),
    );
    const metadata = change(
      { ...(await readMetadata(file)) },
      tensors.map(({ data }) => data),
    );
    await writeSafetensors(file, tensors, metadata);
  };

const DAMAGES: [string, Damage][] = [
  ['empty', file => truncate(file, 0)],
  ['cut', file => truncate(file, 1000)],
  ['no safetensors', file => writeFile(file, 'no such format, but long enough to have a header')],
  ['without metadata', rewritten(() => ({}))],
  ['with metadata that is no JSON', rewritten(() => ({ state: '{"step":' }))],
  ['with null for a state', rewritten(() => ({ state: 'null' }))],
  ['with a negative step', rewritten(({ state }) => ({ state: state!.replace(/"step":\d+/, '"step":-1') }))],
  [
    'with weights that are not finite',
    rewritten((metadata, tensors) => {
      for (const data of tensors) data[0] = Number.NaN;
      return metadata;
    }),
  ],
];

describe.each(KINDS)('%s', kind => {
  // One reader for all three: the whole list is tried on one of them.
  it.each(kind === 'train' ? DAMAGES : DAMAGES.slice(0, 2))(
    'begins again from a checkpoint that is %s, says so, and ends at the same bytes',
    async (_, damage) => {
      const out = await mkdtemp(place.path(`${kind}-`));
      const name = out.slice(place.folder.length + 1);
      await cp(place.path(`${kind}-stopped`), out, { recursive: true });
      const file = checkpointOf(kind, name);
      await damage(file);
      const notices: string[] = [];
      const types: string[] = [];
      await run(kind, name, {
        onEvent: ({ type, message }) => {
          types.push(type);
          if (message?.includes('checkpoint')) notices.push(message);
        },
      });
      expect(notices).toEqual([`the checkpoint ${file} is damaged; training starts from the first step again`]);
      expect(types).not.toContain('resume');
      expect(await resultOf(kind, name)).toEqual(await resultOf(kind, `${kind}-whole`));
    },
  );

  it('refuses the checkpoint of a run with another seed, and leaves it', async () => {
    const name = `${kind}-foreign`;
    await stopped(kind, `${kind}-other`, 7);
    await cp(place.path(`${kind}-stopped`), place.path(name), { recursive: true });
    const [file, other] = [checkpointOf(kind, name), checkpointOf(kind, `${kind}-other`)];
    await cp(other, file);
    await expect(run(kind, name)).rejects.toMatchObject({
      code: 'CHECKPOINT',
      message:
        `${file} is from another training: its settings, its data or its user are not those of this run. ` +
        `Move it back to where it belongs; without ${dirname(file)}, training starts from the first step.`,
    });
    expect(await readFile(file)).toEqual(await readFile(other));
    await rm(dirname(file), { recursive: true });
    await run(kind, name);
    expect(await resultOf(kind, name)).toEqual(await resultOf(kind, `${kind}-whole`));
  });

  describe.each(TRAININGS[kind].files)('makes its result again where %s', file => {
    it.each([
      ['is empty', (path: string) => truncate(path, 0)],
      ['is cut', async (path: string) => truncate(path, (await stat(path)).size - 3)],
    ])('%s, says so, and ends at the same bytes', async (_, damage) => {
      const out = await mkdtemp(place.path(`${kind}-`));
      const name = out.slice(place.folder.length + 1);
      await cp(place.path(`${kind}-whole`), out, { recursive: true });
      const path = join(out, TRAININGS[kind].result, file);
      await damage(path);
      const notices: string[] = [];
      const onEvent = ({ message }: { readonly message?: string }) => {
        if (message?.includes('damaged')) notices.push(message);
      };
      await run(kind, name, { onEvent });
      expect(notices).toEqual([expect.stringContaining(dirname(path))]);
      await run(kind, name, { onEvent });
      expect(notices).toHaveLength(1);
      expect(await contentOf(dirname(path))).toEqual(
        await contentOf(dirname(place.path(join(`${kind}-whole`, TRAININGS[kind].result, file)))),
      );
    });
  });

  it('clears a checkpoint that a kill left beside the finished result', async () => {
    const whole = `${kind}-whole`;
    const before = await resultOf(kind, whole);
    const state = dirname(checkpointOf(kind, whole));
    await mkdir(state, { recursive: true });
    await cp(checkpointOf(kind, `${kind}-stopped`), checkpointOf(kind, whole));
    await run(kind, whole);
    expect(await readdir(dirname(state))).toEqual([]);
    expect(await resultOf(kind, whole)).toEqual(before);
  });
});

it('names a damaged adapter in score instead of leaving its user out', async () => {
  await cp(place.path('train-whole'), place.path('scored'), { recursive: true });
  const weights = place.path('scored/adapters/ada/adapter_model.safetensors');
  await truncate(weights, 0);
  const settings = scoreSchema.parse({ run: place.path('scored'), cache: place.cache });
  await expect(scoreRun(settings)).rejects.toThrow(`${weights}: holds 0 bytes, too few for a header.`);
});

it('does not train again where Git LFS left a pointer instead of an adapter', async () => {
  await cp(place.path('train-whole'), place.path('pointer'), { recursive: true });
  const weights = place.path('pointer/adapters/ada/adapter_model.safetensors');
  await writeFile(weights, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
  await expect(run('train', 'pointer')).rejects.toThrow(`${weights} is a Git LFS pointer`);
});

it('does not continue with another alpha than it began with', async () => {
  const out = place.path('alphas');
  const values = { model: place.model, data: place.data, cache: place.cache, out, saveEvery: 1, users: 'ada' };
  const resolved = resolveSettings(trainSchema, [{ origin: 'test', values: { ...values, method: 'cbpo' } }]);
  const stop = new AbortController();
  const onEvent = ({ type }: { readonly type: string }) => void (type === 'step' && stop.abort());
  await expect(train(resolved, { version: 'test', onEvent, signal: stop.signal })).rejects.toThrow('stopped');
  const overlaps = JSON.parse(await readFile(join(out, 'overlap.json'), 'utf8'));
  overlaps.ada.alpha = overlaps.ada.alpha / 2 + 0.25;
  await writeFile(join(out, 'overlap.json'), JSON.stringify(overlaps));
  await expect(train(resolved, { version: 'test' })).rejects.toThrow(/ada.*is from another training/);
});

it('refuses the checkpoint of another user of the same run', async () => {
  await cp(place.path('train-stopped'), place.path('swapped'), { recursive: true });
  const state = place.path('swapped/state');
  await cp(join(state, 'ada'), join(state, 'grace'), { recursive: true });
  const values = { model: place.model, data: place.data, cache: place.cache, out: place.path('swapped'), saveEvery: 2 };
  const resolved = resolveSettings(trainSchema, [
    { origin: 'test', values: { ...values, method: 'sft', seed: 0, users: 'grace' } },
  ]);
  await expect(train(resolved, { version: 'test' })).rejects.toThrow(/grace.*is from another training/);
});

it('removes half-made files in nested folders too, and brings back a folder that was being replaced', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
  try {
    const kept = [
      'targets/answers/rag/ada.json',
      'targets/.hidden',
      'targets/ada.partial',
      'targets/.x.12x.partial',
      'task/model/a',
    ];
    const halfMade = [
      '.run.json.71.partial',
      'targets/answers/rag/.ada.json.71.partial',
      'task/.model.71.partial.old/a',
    ];
    for (const file of [...kept, ...halfMade, 'begun/.model.71.partial.old/a']) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), '');
    }
    await removeStaging(folder);
    expect(Object.keys(await contentOf(folder))).toEqual([...kept, 'begun/model/a'].toSorted());
  } finally {
    await rm(folder, { recursive: true });
  }
});
