/**
 * The tables of docs/results.md: every method on one backbone, on real commits or on titles of real papers; some authors
 * evaluated, some who choose hyper-parameters, the others for task adaptation. Then, on the development authors of the
 * commits alone, what each setting does to C-BPO, and the best of them on those evaluated. Running it again continues
 * where it stopped.
 *
 *   node recipes/results.ts --set commits --data commits-100users.jsonl.gz --out runs/results-commits
 *   node recipes/results.ts --set titles --data acl-lamp5_questions.json.gz --out runs/results-titles
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, compareSchema, resolveSettings } from '../src/index.ts';
import type { Results } from '../src/results/index.ts';
import { compareReporter, resultRows, table, terminal } from '../src/terminal/index.ts';
import { differences } from './paired.ts';

const SETS = {
  commits: { template: 'commit-subject', targetUsers: 20, developmentUsers: 6 },
  titles: { task: 'lamp-5', targetUsers: 20, developmentUsers: 6 },
};
/** Each beside the rate chosen for C-BPO and the defaults; alpha is estimated where it is not given. */
const SWEEP: readonly { alpha?: number; lr?: number; beta?: number; epochs?: number }[] = [
  ...[0, 0.3, 0.6, 0.9].map(alpha => ({ alpha })),
  ...[3e-4, 3e-3].map(lr => ({ lr })),
  ...[0.01, 1].map(beta => ({ beta })),
  { epochs: 6 },
  { beta: 1, lr: 3e-3 },
  { alpha: 0.9, lr: 3e-3 },
];

const { set, data, out, model, threads } = parseArgs({
  options: {
    ...{ set: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' } },
    model: { type: 'string', default: 'starter' },
    threads: { type: 'string', default: '0' },
  },
}).values;
if (!(set === 'commits' || set === 'titles') || !data || !out) {
  throw new Error('usage: results.ts --set commits|titles --data FILE --out FOLDER');
}
const screen = terminal();

function run(values: Record<string, unknown>) {
  const shared = { data, ...SETS[set as keyof typeof SETS], epochs: 2, maxTokens: 40, embedder: 'ngrams' };
  const given = { ...shared, threads: Number(threads), cache: join(out!, 'cache'), ...values };
  return compare(resolveSettings(compareSchema, [{ origin: 'recipe', values: given }]), {
    version: 'recipe',
    now: () => performance.now(),
    onEvent: compareReporter(screen),
  });
}

const comparison = join(out, 'comparison');
const { results, search, markdown, report } = await run({
  model,
  out: comparison,
  rates: [1e-3, 3e-3],
  taskEpochs: 1,
  taskRate: 1e-3,
});
screen.print(`${table(resultRows(results))}\n${markdown}\n${report}`);
screen.print(`TAM:\n${differences(results.methods.find(({ name }) => name === 'tam')!, results)}`);

if (set === 'commits') {
  const sweep = [];
  for (const [name, values] of sweepSettings())
    sweep.push({ name, values, results: await runAlone(name, values, 'development') });
  const rows = sweep.map(({ name, results }) => [name, ...resultRows(results)[1]!.slice(1)]);
  screen.print(table([['C-BPO with', ...resultRows(results)[0]!.slice(1)], ...rows]));

  // Chosen on development users by log-likelihood, tried once on the others.
  const likelihood = (of: Results) => of.methods[0]!.metrics.logLikelihood!.mean;
  const best = sweep.reduce((best, one) => (likelihood(one.results) > likelihood(best.results) ? one : best));
  const alone = await runAlone(best.name, best.values, 'targets');
  screen.print(`C-BPO with ${best.name}, on the users of the result:\n${table(resultRows(alone))}`);
  screen.print(differences(alone.methods[0]!, results));
}

/** Each in words, with all that is not at its default. */
function sweepSettings(): [string, Record<string, unknown>][] {
  const chosen = search.find(({ method, chosen }) => method === 'C-BPO' && chosen)!.settings;
  return SWEEP.map(({ lr = Number(chosen.replace('lr ', '')), ...settings }) => [
    Object.entries({ lr, ...settings })
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    { rates: [lr], ...settings },
  ]);
}

/** C-BPO by itself, from the model that the comparison was made with. */
async function runAlone(name: string, values: Record<string, unknown>, users: 'development' | 'targets') {
  const { results } = await run({
    model: join(comparison, 'task', 'model'),
    out: join(out!, users === 'targets' ? 'chosen' : 'sweep', name.replaceAll(', ', '-').replaceAll(' ', '-')),
    targetUsers: join(comparison, 'users', `${users}.json`),
    developmentUsers: 0,
    skipAdaptation: true,
    methods: ['cbpo'],
    ...values,
  });
  return results;
}
