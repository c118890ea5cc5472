/** Whose records a user is compared with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Workspace, workspace } from '../../tests/support/workspace.ts';
import type { HistoryRecord } from '../histories/index.ts';
import type { EncodedExample } from '../runtime/language-model.ts';
import { type Dataset, type Encoder, loadDataset, userExamples } from './dataset.ts';
import { type TrainSettings, trainSchema } from './settings.ts';

let place: Workspace;
let divided: Dataset;
let whole: Dataset;
beforeAll(async () => {
  place = await workspace();
  const { model, data } = place;
  const settings = trainSchema.parse({ model, data, out: 'none' });
  whole = await loadDataset(settings);
  divided = await loadDataset({ ...settings, targetUsers: 2 });
});
afterAll(() => place.remove());

/** Stands in for the encoder: an example that remembers its record. */
interface Remembered extends EncodedExample {
  readonly record: HistoryRecord;
}
const remembering = {
  encode: (record: HistoryRecord): Remembered => ({
    ...{ ids: [0, 1], promptLength: 1, promptCut: false, completionCut: false },
    record,
  }),
} as unknown as Encoder;

/** Users of the auxiliary set of the dataset's first target, every record of the pool drawn. */
function comparedWith(dataset: Dataset, auxiliaryFrom: TrainSettings['auxiliaryFrom'], user: string): string[] {
  const options = { auxiliaryRatio: 100, auxiliaryFrom, seed: 0 };
  const { auxiliary } = userExamples(dataset, user, remembering, options);
  const records = auxiliary.map(example => (example as Remembered).record);
  // Training records only, each once.
  const training = new Set([...dataset.users.values()].flatMap(({ train }) => train));
  expect(records.every(record => training.has(record))).toBe(true);
  expect(new Set(records).size).toBe(records.length);
  return [...new Set(records.map(record => record.user))].sort();
}

describe('the auxiliary pool', () => {
  it('is everyone else without a division of users', () => {
    expect(comparedWith(whole, undefined, 'ada')).toEqual(['grace', 'linus']);
    expect(comparedWith(whole, 'all', 'ada')).toEqual(['grace', 'linus']);
  });

  it('is the other targets with one, or who was asked for', () => {
    const { targets, others } = divided.split!;
    const [first, second] = targets as [string, string];
    expect(others).toHaveLength(1);
    expect(comparedWith(divided, undefined, first)).toEqual([second]);
    expect(comparedWith(divided, 'targets', second)).toEqual([first]);
    expect(comparedWith(divided, 'others', first)).toEqual(others);
    expect(comparedWith(divided, 'all', first)).toEqual([second, ...others].sort());
  });
});
