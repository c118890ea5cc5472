/** Scores of a run: kept by content, so that a stop costs nothing, and never another adapter's. */
import { chmod, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSettings, scoreRun, scoreSchema, train, trainSchema } from '../../src/index.ts';
import type { NoticeEvent } from '../../src/jobs/context.ts';
import type { ScoreEvent } from '../../src/jobs/score/held-out.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
const run = (out: string, more: Record<string, unknown> = {}) => {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path(out), method: 'sft', lr: 1e-3, ...more };
  return train(resolveSettings(trainSchema, [{ origin: 'test', values }]), { version: 'test' });
};
beforeAll(async () => {
  place = await workspace();
  await run('run');
});
afterAll(() => place.remove());

const settings = (out: string, cache = 'cache') =>
  scoreSchema.parse({ run: place.path(out), cache: place.path(cache) });
const linesOf = async (out: string, user: string) =>
  (await readFile(place.path(join(out, 'scores', `${user}.txt`)), 'utf8')).split('\n').filter(line => line !== '');

describe('scores', () => {
  it('are kept where they were stopped, and are the same when continued', async () => {
    await cp(place.path('run'), place.path('whole'), { recursive: true });
    const whole = await scoreRun(settings('whole', 'other-cache'));
    const stop = new AbortController();
    const onEvent = (event: ScoreEvent | NoticeEvent) =>
      void (event.type === 'score' && event.done === 3 && stop.abort());
    await expect(scoreRun(settings('run'), { signal: stop.signal, onEvent })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    // Own and another's adapter on both of ada's texts, and on the first of grace's.
    expect(await linesOf('run', 'ada')).toHaveLength(4);
    expect(await linesOf('run', 'grace')).toHaveLength(2);
    expect(await scoreRun(settings('run'))).toEqual(whole);
    const before = await linesOf('run', 'grace');
    expect(await scoreRun(settings('run'))).toEqual(whole);
    expect(await linesOf('run', 'grace')).toEqual(before);
  });

  it('are of the adapter that is there now', async () => {
    const before = await scoreRun(settings('run'));
    await run('stronger', { epochs: 6 });
    const weights = 'adapters/ada/adapter_model.safetensors';
    await cp(place.path(join('stronger', weights)), place.path(join('run', weights)));
    const after = await scoreRun(settings('run'));
    expect(after.users[0]!.adapter).toBeGreaterThan(before.users[0]!.adapter);
    expect(after.users[1]).toEqual(before.users[1]);
  });

  it.skipIf(process.getuid?.() === 0)('are computed where the run folder may only be read', async () => {
    await cp(place.path('run/adapters'), place.path('read-only/adapters'), { recursive: true });
    await cp(place.path('run/run.json'), place.path('read-only/run.json'));
    await chmod(place.path('read-only'), 0o555);
    expect((await scoreRun(settings('read-only'))).users).toHaveLength(3);
    await chmod(place.path('read-only'), 0o755);
  });
});
