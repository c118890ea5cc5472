/**
 * The tables of docs/results.md: every method with the starter as backbone, on real commits or on titles of real papers;
 * some authors evaluated, some who choose hyper-parameters, the others for task adaptation. Then, on the development
 * authors alone, what each setting does to C-BPO. Running it again goes on where it stopped.
 *
 *   node recipes/results.ts --set commits --data commits-100users.jsonl.gz --out runs/results-commits
 *   node recipes/results.ts --set titles --data acl-lamp5_questions.json.gz --out runs/results-titles
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareReporter, resultRows } from '../src/cli/compare.ts';
import { table, terminal } from '../src/cli/terminal.ts';
import { compare, compareSchema, resolveSettings } from '../src/index.ts';

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

const { set, data, out, threads } = parseArgs({
  options: {
    ...{ set: { type: 'string' }, data: { type: 'string' }, out: { type: 'string' } },
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
  model: 'starter',
  out: comparison,
  rates: [1e-3, 3e-3],
  taskEpochs: 1,
  taskRate: 1e-3,
});
screen.print(`${table(resultRows(results))}\n${markdown}\n${report}`);

const chosen = search.find(({ method, chosen }) => method === 'C-BPO' && chosen)!.settings;
const rows: string[][] = [];
for (const { lr = Number(chosen.replace('lr ', '')), ...settings } of SWEEP) {
  const changed = Object.entries({ lr, ...settings }).map(([name, value]) => `${name} ${value}`);
  const { results } = await run({
    model: join(comparison, 'task', 'model'),
    out: join(out, 'sweep', changed.join('-').replaceAll(' ', '-')),
    targetUsers: join(comparison, 'users', 'development.json'),
    developmentUsers: 0,
    skipAdaptation: true,
    methods: ['cbpo'],
    rates: [lr],
    ...settings,
  });
  const [head, row] = resultRows(results) as [string[], string[]];
  if (rows.length === 0) rows.push(['C-BPO with', ...head.slice(1)]);
  rows.push([changed.join(', '), ...row.slice(1)]);
}
screen.print(table(rows));
