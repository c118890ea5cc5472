/** A sample of `npm run faults`: commands killed while they change a file end, run again, as if nothing had been. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { random } from '../../src/common/random.ts';
import type { Workspace } from '../support/workspace.ts';
import { type CommandName, faultsWorkspace } from './commands.ts';
import type { FileCall } from './kill-at.ts';
import { inPairs, type KillPoint, killPointsOf, trial, type Undisturbed, undisturbed } from './trial.ts';

let place: Workspace;
const wholes = new Map<CommandName, Undisturbed>();
beforeAll(async () => {
  place = await faultsWorkspace();
  const names = ['train', 'forget', 'adapt', 'search'] as const;
  await inPairs(names, async name => void wholes.set(name, await undisturbed(place, name)));
});
afterAll(() => place.remove());

/** The first call of that kind. */
const first = (name: string, path: RegExp) => (calls: readonly FileCall[]) =>
  1 + calls.findIndex(call => call.name === name && path.test(call.path));

const moments: [CommandName, string, KillPoint['mode'], (calls: readonly FileCall[]) => number][] = [
  ['train', 'the first line of metrics.jsonl', 'middle', first('appendFile', /metrics\.jsonl$/)],
  ['train', 'the removal of the state of a published adapter', 'before', first('rm', /state.ada$/)],
  ['train', 'a checkpoint', 'middle', first('writeFile', /\.checkpoint\.safetensors/)],
  ['forget', 'the scores', 'before', first('rm', /scores.ada/)],
  ['forget', 'the division of users', 'before', first('rename', /users\.json$/)],
  ['forget', 'the removal of the lock', 'before', calls => calls.length],
  ['adapt', 'the removal of the state of a published adapter', 'before', first('rm', /state.task$/)],
  ['adapt', 'the merged model', 'middle', first('write', /model\.safetensors$/)],
  ['search', 'answers', 'middle', first('writeFile', /answers.rag/)],
];

describe('killed while a file is changed, and run again', { concurrent: true }, () => {
  it.each(moments)('%s, at %s (%s)', async (name, _, mode, callOf) => {
    const whole = wholes.get(name)!;
    const call = callOf(whole.calls);
    expect(call).toBeGreaterThan(0);
    expect(await trial(place, whole, { call, mode })).toEqual([]);
  });

  it.each(['train', 'forget', 'adapt'] as const)('%s, at a moment drawn by chance', async name => {
    const whole = wholes.get(name)!;
    const points = killPointsOf(whole);
    const point = points[random(0, `faults/${name}`).integer(points.length)]!;
    expect([point, await trial(place, whole, point)]).toEqual([point, []]);
  });
});
