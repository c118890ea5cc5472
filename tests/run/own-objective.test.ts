/** An objective and a method of the caller's own: trained, continued, scored and compared like the built-in ones. */
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { scale, softplus, sub } from '../../src/graph/index.ts';
import { writeHistories } from '../../src/histories/index.ts';
import {
  compare,
  compareSchema,
  type MethodSpec,
  type Objective,
  type ObjectiveSettings,
  resolveSettings,
  scoreRun,
  scoreSchema,
  sft,
  type TrainableObjective,
  type TrainEvent,
  train,
  trainSchema,
} from '../../src/index.ts';
import {
  column,
  columnInput,
  countGroups,
  logRatio,
  referenceLogProbs,
  scalar,
  scalarInput,
  weightedSum,
} from '../../src/objectives/index.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

/** Own log-ratios ahead of others' by a margin; the alpha of each user is the margin, an input of one graph. */
function margin({ beta, alpha }: Pick<ObjectiveSettings, 'alpha' | 'beta'>, target = 1): Objective {
  return {
    name: 'margin',
    signature: `margin ${beta} ${target}`,
    needsReference: true,
    needsMismatched: false,
    initialState: {},
    build(g, sequenceLogProbs) {
      const ratio = logRatio(g, sequenceLogProbs);
      const over = (name: string) => weightedSum(g, ratio, columnInput(g, name, sequenceLogProbs));
      const lead = scale(g, sub(g, over('own'), over('others')), beta);
      return softplus(g, sub(g, scalarInput(g, 'margin'), lead));
    },
    feeds(examples) {
      const counts = countGroups(examples);
      return {
        reference_log_probs: referenceLogProbs(examples),
        own: column(examples, ({ group }) => (group === 'target' ? 1 / counts.target : 0)),
        others: column(examples, ({ group }) => (group === 'auxiliary' ? 1 / counts.auxiliary : 0)),
        margin: scalar(target + alpha),
      };
    },
  };
}

const own: TrainableObjective = { name: 'margin', records: 'others', usesAlpha: true, create: margin };

function run(out: string, objectives: readonly TrainableObjective[], more: Record<string, unknown> = {}, stopAt = 0) {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path(out), method: 'margin', alpha: 0.5, lr: 1e-3, saveEvery: 2 };
  const stop = new AbortController();
  let steps = 0;
  const onEvent = ({ type }: TrainEvent) => void (type === 'step' && ++steps === stopAt && stop.abort());
  const resolved = resolveSettings(trainSchema, [{ origin: 'test', values: { ...values, ...more } }]);
  return train(resolved, { version: 'test', objectives, onEvent, signal: stop.signal });
}

describe('an objective of your own', () => {
  it('is trained with the user’s alpha, continues to the same bytes, and is scored', async () => {
    await run('whole', [own]);
    await expect(run('parts', [own], {}, 5)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await run('parts', [own]);
    expect(await contentOf(place.path('parts/adapters'))).toEqual(await contentOf(place.path('whole/adapters')));
    const [first] = (await readFile(place.path('whole/metrics.jsonl'), 'utf8')).split('\n');
    expect(JSON.parse(first!).loss).toBeCloseTo(Math.log1p(Math.exp(1.5)), 4);
    const scores = await scoreRun(scoreSchema.parse({ run: place.path('whole'), cache: place.cache }));
    expect(scores.training).toEqual({ method: 'margin', lr: 1e-3, epochs: 3 });
    expect(scores.gain.mean).not.toBe(0);
    expect(await readFile(place.path('whole/adapters/ada/README.md'), 'utf8')).toMatch(
      /method margin, alpha 0\.5, margin 0\.1 1, \d+ records of others/,
    );
  });

  it('of another shape under the same name does not continue with the run', async () => {
    const other = { ...own, create: (settings: ObjectiveSettings) => margin(settings, 2) };
    await expect(run('whole', [other])).rejects.toThrow(/another objective of that name/);
  });

  it.each([
    [[], /`method`: there is no objective "margin"\. There are cbpo, bco, kto, dpo, sft\./],
    [[own, own], /an objective of your own is called "margin"\. Give it a name .* that no other objective has/],
    [[{ ...own, name: 'sft' }], /called "sft"/],
    [[{ ...own, name: '../x' }], /called "\.\.\/x"/],
    [[{ ...own, records: 'pairs' as const }], /`method` margin needs `rejected`/],
  ])('%#: is refused before anything is read', async (objectives, sentence) => {
    await expect(run('refused', objectives, { model: 'nowhere' })).rejects.toThrow(sentence);
  });

  it('that diverges for one user leaves the others their adapters', async () => {
    const records = habitualHistories(12).map(record => ({ ...record, ...(record.user === 'grace' && { weight: 2 }) }));
    const [first] = records.filter(({ user }) => user === 'grace');
    await writeHistories(place.path('weighted.jsonl'), [...records, { ...first!, weight: 9 }]);
    const create = (settings: ObjectiveSettings): Objective => {
      const sound = margin(settings);
      const feeds: Objective['feeds'] = (examples, state) => ({
        ...sound.feeds(examples, state),
        ...(examples.some(({ weight }) => weight !== 1) && { margin: scalar(Number.NaN) }),
      });
      return { ...sound, feeds };
    };
    const data = place.path('weighted.jsonl');
    const { users, failed } = await run('fragile', [{ ...own, create }], { data });
    expect(users.map(({ user }) => user)).toEqual(['ada', 'linus']);
    expect(failed).toMatchObject([
      { user: 'grace', reason: expect.stringMatching(/"grace" diverged in step 1: its loss/) },
    ]);
    expect(await readdir(place.path('fragile/adapters'))).toEqual(['ada', 'linus']);
  });
});

describe('a method of your own', () => {
  const spec: MethodSpec = {
    name: 'margin',
    title: 'Margin',
    model: 'task',
    prompt: 'plain',
    training: { name: 'margin', method: 'margin' },
    summary: 'own log-ratios ahead of others’',
  };
  const compared = (
    out: string,
    methods: string[],
    more: { methods?: MethodSpec[]; objectives?: TrainableObjective[] },
  ) => {
    const values = {
      ...{ model: place.model, data: place.path('five.jsonl'), out: place.path(out), cache: place.cache, methods },
      ...{ targetUsers: 3, developmentUsers: 0, rates: [1e-3], skipAdaptation: true, epochs: 1, maxTokens: 4 },
      ...{ embedder: 'ngrams', alpha: 0.2 },
    };
    return compare(resolveSettings(compareSchema, [{ origin: 'test', values }]), {
      ...{ version: 'test', now: () => 0, ...more },
    });
  };

  it('stands in the comparison beside the built-in ones, with retrieval on top too', async () => {
    const people = ['ada', 'grace', 'kim', 'lee', 'linus'];
    const records = people.flatMap(user =>
      Array.from({ length: 8 }, (_, i) => ({ user, input: `fix ${i}`, output: `${user} fixed ${i}` })),
    );
    await writeHistories(place.path('five.jsonl'), records);
    const { results } = await compared('table', ['base', 'margin', 'rag+margin'], {
      methods: [spec],
      objectives: [own],
    });
    expect(results.methods.map(({ title }) => title)).toEqual(['Base', 'Margin', 'RAG + Margin']);
    expect(await readdir(place.path('table/targets/adapters/margin-0.001/adapters'))).toHaveLength(3);
  });

  it.each([
    [{}, /`methods`: there is no method "margin"/],
    [{ methods: [spec] }, /there is no objective "margin"/],
    [{ methods: [{ ...spec, name: 'oppu' }] }, /a method of your own is called "oppu"/],
    [
      { methods: [{ ...spec, training: { ...spec.training!, name: 'a/b' } }] },
      /a method of your own is called "margin"/,
    ],
    [
      { methods: [spec], objectives: [{ name: 'margin', records: 'pairs' as const, create: sft }] },
      /the training margin: margin needs rejected texts/,
    ],
  ])('%#: is refused before any work', async (more, sentence) => {
    await expect(compared('refused-table', ['margin'], more)).rejects.toThrow(sentence);
  });
});
