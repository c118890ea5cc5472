/** What an ablation promises: every combination once, the same result when called again, users paired. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ablate, ablateSchema, resolveSettings } from '../../src/index.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

async function run(sweep: string, users?: string) {
  const { model, data, cache } = place;
  const values = { model, data, cache, out: place.path('ablation'), alpha: 0.2, epochs: 1, lr: 5e-3, sweep, users };
  const cells: string[] = [];
  let steps = 0;
  const summary = await ablate(resolveSettings(ablateSchema, [{ origin: 'test', values }]), {
    version: 'test',
    onEvent: event => {
      if (event.type === 'run') cells.push(event.name);
      if (event.type === 'step') steps++;
    },
  });
  return { summary, cells, steps };
}

// The last sweep's first cell is a cell of the first sweep by another name.
const SWEEP = 'reference-point=ema,pooled alpha=0.2,0.5; method=cbpo,sft';

describe('an ablation', () => {
  it('trains every combination once, and nothing when called again', async () => {
    const first = await run(SWEEP);
    expect(first.cells).toEqual([
      'reference-point=ema+alpha=0.2',
      'reference-point=ema+alpha=0.5',
      'reference-point=pooled+alpha=0.2',
      'reference-point=pooled+alpha=0.5',
      'method=sft',
    ]);
    expect(first.steps).toBeGreaterThan(0);
    const [report, data] = [first.summary.report, first.summary.data];
    const before = [await readFile(report, 'utf8'), await readFile(data, 'utf8')];
    const left = `${place.path('ablation')}/.ablation.md.999999999.partial`; // by a process that is gone
    await writeFile(left, 'half');
    const again = await run(SWEEP);
    expect(again.steps).toBe(0);
    expect(existsSync(left)).toBe(false);
    expect([await readFile(report, 'utf8'), await readFile(data, 'utf8')]).toEqual(before);
  });

  it('tells each cell’s gain and its difference to the first, paired by user', async () => {
    const { summary } = await run(SWEEP);
    const [crossed, methods] = summary.sweeps;
    const [base, other] = crossed!.cells;
    expect(base!.difference).toBeUndefined();
    const gains = (cell: typeof base) => cell!.users.map(({ adapter, base: none }) => adapter - none);
    const differences = gains(other).map((gain, i) => gain - gains(base)[i]!);
    expect(other!.difference!.mean).toBeCloseTo(differences.reduce((a, b) => a + b, 0) / 3, 10);
    expect(base!.clippedShare).toBeGreaterThanOrEqual(0);
    expect(methods!.cells[1]!.clippedShare).toBeUndefined(); // sft has no such thing
    for (const picture of summary.pictures) expect(await readFile(picture, 'utf8')).toContain('<svg');
    expect(await readFile(summary.report, 'utf8')).toContain('| ema | 0.5 |');
  });

  it('scores the users asked for, whoever else was trained there before', async () => {
    const { summary } = await run('method=cbpo,sft', 'ada,linus');
    for (const { users } of summary.sweeps[0]!.cells) expect(users.map(({ user }) => user)).toEqual(['ada', 'linus']);
  });

  it.each([
    ['', /`sweep` is empty/],
    ['alhpa=0,1', /"alhpa" is not a setting that can be varied/],
    ['users=a,b', /"users" is not a setting that can be varied/],
    ['alpha=0,much', /expected a number, found "much"/],
    ['lr=estimated', /expected a number, found "estimated"/],
    ['alpha=0,1', /"1" is not a value of `alpha`/],
    ['method=cbpo,ppo', /there is no objective "ppo"\. There are cbpo, /],
  ])('refuses the sweep "%s"', async (sweep, sentence) => {
    await expect(run(sweep)).rejects.toThrow(sentence);
  });
});
