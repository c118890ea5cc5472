/** What a comparison cost adds up over every time it was continued. */
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StageCosts } from './stages.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('sums the seconds of each stage, also of work that failed and of earlier processes', async () => {
  let clock = 0;
  const now = () => clock;
  const takes = (seconds: number) => async () => {
    clock += 1000 * seconds;
    return seconds;
  };
  expect(await new StageCosts(folder, now).all()).toEqual([]);
  const first = new StageCosts(folder, now);
  expect(await first.of('adaptation', '7 users', takes(2))).toBe(2);
  const failing = first.of('training', '3 users', async () => {
    await takes(4)();
    throw new Error('stopped');
  });
  await expect(failing).rejects.toThrow('stopped');
  // What a kill leaves of a line being written, and a line that somebody damaged.
  await appendFile(join(folder, 'costs.jsonl'), '\nnull\n{"stage":"training","sec');

  const second = new StageCosts(folder, now);
  await second.of('training', '3 users', takes(0.5));
  await second.of('adaptation', '7 users', takes(0));
  expect(await second.all()).toEqual([
    { stage: 'adaptation', seconds: 2, detail: '7 users' },
    { stage: 'training', seconds: 4.5, detail: '3 users' },
  ]);
  await appendFile(join(folder, 'costs.jsonl'), '{"stage":"answers"');
  expect(await second.all()).toHaveLength(2);
});
