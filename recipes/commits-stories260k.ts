/**
 * The table of docs/first-run.md: ten users of real commit histories, adapters by C-BPO on a 260-thousand-parameter
 * Llama, held-out log-likelihood of each user's later records.
 *
 * The learning rate is chosen on ten other users. Running it again continues where it stopped.
 *
 *   node recipes/commits-stories260k.ts --model FOLDER --data commits-100users.jsonl.gz --out runs/commits
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../src/common/files.ts';
import { groupByUser, openHistories } from '../src/histories/index.ts';
import { type HeldOutScores, resolveSettings, scoreRun, scoreSchema, train, trainSchema } from '../src/index.ts';
import type { Estimate } from '../src/results/index.ts';

const { values } = parseArgs({
  options: { model: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' } },
});
const { model, data, out } = values;
if (!model || !data || !out) throw new Error('usage: commits-stories260k.ts --model FOLDER --data FILE --out FOLDER');

const RATES = [3e-4, 1e-3, 3e-3];
const users = [...(await groupByUser(openHistories(data))).keys()];
const evaluated = users.slice(0, 10);
const development = users.slice(10, 20);

async function run(name: string, lr: number, of: readonly string[]): Promise<HeldOutScores> {
  const folder = join(out!, name);
  const settings = resolveSettings(trainSchema, [
    {
      origin: 'recipe',
      values: {
        model,
        data,
        out: folder,
        users: of.join(','),
        template: 'commit-subject',
        maxLength: 256,
        alpha: 0.3,
        lr,
        seed: 1,
      },
    },
  ]);
  await train(settings, {
    version: 'recipe',
    onEvent: event => {
      if (event.type === 'adapter') console.error(`${name}: ${event.user} loss ${event.metrics.loss?.toFixed(4)}`);
    },
  });
  return scoreRun(resolveSettings(scoreSchema, [{ origin: 'recipe', values: { run: folder } }]).values);
}

const interval = ({ mean, low, high }: Estimate) => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
const lines = ['Development users, gain over the base in nats per token, 95% interval over 10 users:', ''];
lines.push('| learning rate | own adapter - base | own - another user’s |', '|---|---|---|');
let best = { lr: Number.NaN, mean: Number.NEGATIVE_INFINITY };
for (const lr of RATES) {
  const scores = await run(`development-${lr}`, lr, development);
  lines.push(`| ${lr} | ${interval(scores.gain)} | ${interval(scores.personalGain!)} |`);
  if (scores.gain.mean > best.mean) best = { lr, mean: scores.gain.mean };
}

const result = await run('evaluated', best.lr, evaluated);
lines.push('', `Evaluated users, learning rate ${best.lr}, mean log-probability per token of the later records:`, '');
lines.push(
  '| user | records | tokens | base | own adapter | gain | another user’s adapter |',
  '|---|---|---|---|---|---|---|',
);
for (const { user, records, tokens, base, adapter, otherAdapter } of result.users) {
  const numbers = [base, adapter, adapter - base, otherAdapter!].map(value => value.toFixed(3));
  lines.push(`| ${user} | ${records} | ${tokens} | ${numbers.join(' | ')} |`);
}
lines.push('', `Gain over the base: ${interval(result.gain)} nats per token over 10 users.`);
lines.push(`Gain over another user’s adapter: ${interval(result.personalGain!)}.`);
await writeFileAtomic(join(out, 'table.md'), `${lines.join('\n')}\n`);
console.log(lines.join('\n'));
