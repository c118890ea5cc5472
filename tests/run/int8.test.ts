/** A run on an 8-bit base: as repeatable as any other, recorded, and never mixed with float32. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveSettings, scoreRun, scoreSchema, type TrainEvent, train, trainSchema } from '../../src/index.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
const notices: string[] = [];
const onEvent = (event: TrainEvent) => void (event.type === 'notice' && notices.push(event.message));

async function run(out: string, more: Record<string, unknown> = {}): Promise<void> {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path(out), base: 'int8', alpha: 0.2, ...more };
  await train(resolveSettings(trainSchema, [{ origin: 'test', values }]), { version: 'test', onEvent });
}
beforeAll(async () => {
  place = await workspace();
  await run('run');
});
afterAll(() => place.remove());

const adapters = (out: string) => contentOf(place.path(join(out, 'adapters')));

describe('training on an 8-bit base', () => {
  it('says that the base is made, and where it is', () => {
    expect(notices).toEqual([expect.stringMatching(/^preparing the 8-bit base of .*; it is kept in .*int8/)]);
  });

  it('gives the same adapters again, on a base made anew, and other ones than float32', async () => {
    await run('again', { cache: place.path('another-cache') });
    expect(await adapters('again')).toEqual(await adapters('run'));
    await run('float', { base: 'float32' });
    expect(await adapters('float')).not.toEqual(await adapters('run'));
  });

  it('is recorded, and resumed on the same base only', async () => {
    const record = JSON.parse(await readFile(place.path('run/run.json'), 'utf8'));
    expect(record.settings.base).toEqual({ value: 'int8', origin: 'test' });
    await expect(run('run', { base: 'float32' })).rejects.toThrow(/base/);
  });

  it('keeps its reference scores apart from those of float32', async () => {
    const files = await readdir(join(place.cache, 'reference'));
    expect(files.filter(name => name.includes('int8'))).toHaveLength(1);
    expect(files.filter(name => !name.includes('int8'))).toHaveLength(1);
  });

  it('is scored on the float32 model unless the 8-bit base is asked for', async () => {
    const scores = async (given: object) =>
      (await scoreRun(scoreSchema.parse({ run: place.path('run'), cache: place.cache, ...given }))).users[0]!;
    const [float, int8] = [await scores({}), await scores({ base: 'int8' })];
    expect(float.base).not.toBe(int8.base);
    expect(Math.abs(float.base - int8.base)).toBeLessThan(0.01);
  });
});
