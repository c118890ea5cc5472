/** Jobs within jobs take what is open: the model is loaded and the data read once, however many trainings there are. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ablate, compare, LanguageModel } from '../../src/index.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const opened = vi.hoisted(() => ({ data: 0, hashed: [] as string[] }));
vi.mock('../../src/histories/open.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../src/histories/open.ts')>();
  const openHistories: typeof original.openHistories = (...args) => {
    opened.data++;
    return original.openHistories(...args);
  };
  return { ...original, openHistories };
});
vi.mock('../../src/common/files.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../src/common/files.ts')>();
  const sha256OfFile: typeof original.sha256OfFile = file => {
    opened.hashed.push(file);
    return original.sha256OfFile(file);
  };
  return { ...original, sha256OfFile };
});
const load = vi.spyOn(LanguageModel, 'load');

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());
beforeEach(() => {
  Object.assign(opened, { data: 0, hashed: [] });
  load.mockClear();
});

const small = { epochs: 1, rank: 2, maxLength: 96, threads: 1 };
const timesHashed = () => opened.hashed.filter(file => file === place.data).length;

describe('what is opened', () => {
  it('in a comparison of nine trainings: the model, the task-adapted one, and the data, each once', async () => {
    const { model, data, cache } = place;
    const trainings = new Set<string>();
    await compare(
      {
        ...{ model, data, cache, ...small, out: place.path('comparison'), targetUsers: 1, developmentUsers: 1 },
        ...{ methods: ['oppu', 'bco', 'cbpo'], rates: [1e-3, 1e-2], auxiliaryFrom: 'others', embedder: 'ngrams' },
        ...{ taskEpochs: 1, maxTokens: 4, retrieved: [1, 2], profileRecords: [1, 2] },
      },
      {
        onEvent: event => {
          if (event.type === 'train' && event.event.type === 'adapter') trainings.add(event.event.folder);
        },
      },
    );
    expect(trainings.size).toBe(9); // three methods: two rates on the development user, the better one on the target
    expect(load.mock.calls.map(([folder]) => folder)).toEqual([model, place.path('comparison/task/model')]);
    expect([opened.data, timesHashed()]).toEqual([1, 1]);
  });

  it('in an ablation: the model and the data once, and the data again where a setting changes how it is divided', async () => {
    const { model, data, cache } = place;
    const values = { model, data, cache, ...small, alpha: 0.2 };
    await ablate({ ...values, out: place.path('same'), sweep: 'lr=1e-3,1e-2' });
    expect([load.mock.calls.length, opened.data, timesHashed()]).toEqual([1, 1, 1]);
    await ablate({ ...values, out: place.path('other'), sweep: 'query-share=0.2,0.4' });
    expect([load.mock.calls.length, opened.data, timesHashed()]).toEqual([2, 3, 3]);
  });
});
