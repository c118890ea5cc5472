/**
 * The ablations of docs/ablation.md: real commit histories, a 260-thousand-parameter Llama adapted to the task on 60
 * authors, C-BPO adapters for the others. The learning rate is chosen on 12 of the 40 target users, the tables are of
 * 20 others. Running it again continues where it stopped.
 *
 *   node recipes/ablation-commits.ts --model FOLDER --data commits-100users.jsonl.gz --out runs/ablation
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readUserSplit } from '../src/histories/index.ts';
import { ablate, ablateSchema, adapt, adaptSchema, type CellResult, resolveSettings } from '../src/index.ts';

const { values } = parseArgs({
  options: { model: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' } },
});
const { model, data, out } = values;
if (!model || !data || !out) throw new Error('usage: ablation-commits.ts --model FOLDER --data FILE --out FOLDER');

const TARGETS = 40;
const DEVELOPMENT = 12;
const EVALUATED = 20;
const text = { template: 'commit-subject', maxLength: 256 };
// The backbone is so small that a second thread makes nothing faster.
const shared = { data, ...text, seed: 1, cache: join(out, 'cache'), threads: 1 };

const task = join(out, 'task');
const taskSettings = {
  model,
  ...shared,
  out: task,
  targetUsers: TARGETS,
  targetModules: 'all-linear',
  lr: 3e-3,
  epochs: 2,
};
const adapted = await adapt(resolveSettings(adaptSchema, [{ origin: 'recipe', values: taskSettings }]), {
  version: 'recipe',
});
console.log(`task-adapted: held-out ${adapted.heldOut!.base.toFixed(3)} to ${adapted.heldOut!.adapted.toFixed(3)}`);

const { targets } = await readUserSplit(adapted.users);
const development = targets.slice(0, DEVELOPMENT);
const evaluated = targets.slice(-EVALUATED);

function run(name: string, users: readonly string[], sweep: string, settings: Record<string, unknown> = {}) {
  const given = { ...shared, ...settings, model: adapted.model, targetUsers: adapted.users };
  return ablate(
    resolveSettings(ablateSchema, [
      { origin: 'recipe', values: { ...given, users: users.join(','), out: join(out!, name), sweep } },
    ]),
    {
      version: 'recipe',
      onEvent: event => {
        if (event.type === 'run') console.error(`${name} ${event.index}/${event.total}: ${event.name}`);
        if (event.type === 'adapter') console.error(`${name}: ${event.user} loss ${event.metrics.loss?.toFixed(4)}`);
      },
    },
  );
}

const [rates] = (await run('development', development, 'lr=1e-3,3e-3,1e-2')).sweeps;
const best = rates!.cells.reduce((a: CellResult, b: CellResult) => (b.gain.mean > a.gain.mean ? b : a));
const lr = Number(best.texts.lr);
console.log(`learning rate ${lr}: gain ${best.gain.mean.toFixed(3)} on ${development.length} development users`);

const alpha = 'alpha=estimated,0,0.3,0.6,0.9; method=cbpo,bco,kto,sft';
const ema = 'auxiliary-ratio=1 reference-point=ema,pooled; auxiliary-ratio=2 reference-point=ema,pooled';
console.log((await run('alpha', evaluated, alpha, { lr })).report);
console.log((await run('ema', evaluated, ema, { lr })).report);
