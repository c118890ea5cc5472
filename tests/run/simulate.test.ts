/** Simulated histories from the command line on: what is known of their users, and what is estimated of them. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/histories/dataset.ts';
import { type SimulateSettings, simulateSchema, writeSimulation } from '../../src/histories/index.ts';
import { resolveSettings } from '../../src/index.ts';
import { OverlapStudy } from '../../src/jobs/overlap/overlap-study.ts';
import { NgramEmbedder } from '../../src/overlap/ngrams.ts';
import { trainSchema } from '../../src/runs/settings.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

describe('idiolect simulate', () => {
  it('writes the histories and what is true of them', async () => {
    const out = place.path('simulated.jsonl.gz');
    const args = [
      'simulate',
      '--kind',
      'headlines',
      '--users',
      '4',
      '--records',
      '7',
      '--overlap',
      '1,0.25',
      '--out',
      out,
    ];
    const told = await idiolect(args);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toMatch(/^user +shared +alpha +mixture +habits\nu1 +1\.00 +0\.50 +0\.50 /);
    expect(told.stderr).toContain('28 records of 4 users');
    const { file, truth, records, users } = JSON.parse((await idiolect([...args, '--force', '--json'])).stdout);
    expect({ file, truth, records }).toEqual({ file: out, truth: `${out}.truth.json`, records: 28 });
    const written = JSON.parse(await readFile(truth, 'utf8'));
    expect(written.settings.overlap).toBe('1,0.25');
    expect(users[1]).toMatchObject({ user: 'u2', shared: 0.25, alpha: 0.75, mixtureProportion: 0 });
    const { sharedRecords, ...known } = written.users[1];
    expect(known).toEqual(users[1]);
    expect(sharedRecords.length).toBeLessThan(7);
  });

  it('says what is wrong with a share', async () => {
    const wrong = await idiolect(['simulate', '--overlap', '0.1,2', '--out', place.path('none.jsonl')]);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain(
      '--overlap: expected shares from 0 to 1, as 0.1,0.3 or 0.1..0.6. Found "0.1,2" (flag).',
    );
  });
});

async function estimateOfFirstUser(name: string, values: Partial<SimulateSettings>) {
  const data = place.path(name);
  const { users } = await writeSimulation(data, simulateSchema.parse({ users: 21, records: 60, ...values }));
  const given = { model: 'none', data, out: 'none', template: 'commit-subject' };
  const settings = resolveSettings(trainSchema, [{ origin: 'test', values: given }]).values;
  const study = new OverlapStudy(await loadDataset(settings), new NgramEmbedder(), settings);
  return { truth: users[0]!, estimate: await study.estimate('u1') };
}

// Two seconds each on a machine that has nothing else to do.
describe('the estimate of alpha', { timeout: 180_000 }, () => {
  it.each([3, 7, 13])('finds the true overlap of a user whose habits %i of 21 users have', async circle => {
    const { truth, estimate } = await estimateOfFirstUser(`circle-${circle}.jsonl`, { overlap: '0', circle });
    expect(truth.alpha).toBeCloseTo((circle - 1) / 20, 12);
    expect(truth.mixtureProportion).toBe(truth.alpha);
    // Over ten populations estimates deviate by 0.02 (docs/simulate.md); 0.1 is five of that. What was drawn of the
    // others has its own share of the habits, within 0.03 of alpha.
    expect(Math.abs(estimate.alpha - truth.alpha)).toBeLessThan(0.1);
  });

  it('is the mixture proportion, not what could be theirs, for a user who mixes', async () => {
    const { truth, estimate } = await estimateOfFirstUser('mixed.jsonl', { overlap: '0.3' });
    expect(truth).toMatchObject({ mixtureProportion: 0 });
    expect(truth.alpha).toBeCloseTo(0.3, 12);
    // 0.01 in each of ten populations (docs/simulate.md); 0.1 is a third of the way to the other truth.
    expect(estimate.alpha).toBeLessThan(0.1);
  });
});
