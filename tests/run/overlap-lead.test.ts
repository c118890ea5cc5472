/**
 * The paper's claim in small: where others write as the user does, BCO unlearns what they share and C-BPO does not.
 * One user of a simulated population, the starter, half a minute; the study is docs/simulate.md.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveSettings } from '../../src/common/settings.ts';
import { simulateSchema, writeSimulation } from '../../src/histories/index.ts';
import { scoreRun, scoreSchema } from '../../src/jobs/score/held-out.ts';
import { train } from '../../src/jobs/train/train.ts';
import { trainSchema } from '../../src/runs/settings.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

/** Of the first of seven users, `circle` of whom have the same habits: C-BPO's held-out gain less BCO's, nats a token. */
async function leadAt(circle: number, seed: number): Promise<{ alpha: number; lead: number }> {
  const data = place.path(`${circle}-${seed}.jsonl`);
  const population = { kind: 'headlines', users: 7, records: 20, overlap: '0', circle, seed };
  const { users } = await writeSimulation(data, simulateSchema.parse(population));
  const { user, alpha } = users[0]!;
  const gainOf = async (method: 'bco' | 'cbpo') => {
    const out = place.path(join('runs', `${circle}-${seed}-${method}`));
    const { cache } = place;
    const given = {
      ...{ model: 'starter', data, out, cache, users: user, maxLength: 160, klEvery: 0 },
      ...{ method, lr: 3e-3, epochs: 3, ...(method === 'cbpo' && { alpha }) },
    };
    await train(resolveSettings(trainSchema, [{ origin: 'test', values: given }]), { version: 'test' });
    return (await scoreRun(scoreSchema.parse({ run: out, cache }))).gain.mean;
  };
  return { alpha, lead: (await gainOf('cbpo')) - (await gainOf('bco')) };
}

it.each([1, 2])(
  "C-BPO's lead over BCO grows with the overlap (population %i)",
  async seed => {
    const alone = await leadAt(1, seed);
    const shared = await leadAt(5, seed);
    expect([alone.alpha, shared.alpha]).toEqual([0, 4 / 6]);
    // Of five populations: lead at alpha 0 from -0.04 to 0.00, at two thirds from 0.08 to 0.25; of these two 0.25 and 0.14.
    expect(Math.abs(alone.lead)).toBeLessThan(0.08);
    expect(shared.lead).toBeGreaterThan(0.1);
  },
  120_000,
);
