/** Whose records a user is compared with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Workspace, workspace } from '../../tests/support/workspace.ts';
import { type TrainSettings, trainSchema } from '../runs/settings.ts';
import { type Dataset, loadDataset } from './dataset.ts';
import { userRecords } from './user-records.ts';

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

/** Users of the auxiliary set of the dataset's first target, every record of the pool drawn. */
function comparedWith(dataset: Dataset, auxiliaryFrom: TrainSettings['auxiliaryFrom'], user: string): string[] {
  const settings = trainSchema.parse({ model: 'none', data: 'none', out: 'none', auxiliaryRatio: 100, auxiliaryFrom });
  const records = userRecords(dataset, user, { ...settings, records: 'others' }).auxiliary.map(({ record }) => record);
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
