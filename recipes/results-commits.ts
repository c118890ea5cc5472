/**
 * The table of docs/results.md on real commits: every method with the starter as backbone, 24 authors evaluated, 8 who
 * choose hyper-parameters, the others for task adaptation. Then, on the 8 alone, what alpha does to C-BPO. Running it
 * again goes on where it stopped.
 *
 *   node recipes/results-commits.ts --data commits-100users.jsonl.gz --out runs/results-commits
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareReporter, resultRows } from '../src/cli/compare.ts';
import { table, terminal } from '../src/cli/terminal.ts';
import { compare, compareSchema, resolveSettings } from '../src/index.ts';

const { data, out } = parseArgs({ options: { data: { type: 'string' }, out: { type: 'string' } } }).values;
if (!data || !out) throw new Error('usage: results-commits.ts --data FILE --out FOLDER');
const screen = terminal();

function run(values: Record<string, unknown>) {
  const shared = {
    data,
    template: 'commit-subject',
    epochs: 2,
    maxTokens: 40,
    maxLength: 192,
    embedder: 'ngrams',
    cache: join(out!, 'cache'),
  };
  return compare(resolveSettings(compareSchema, [{ origin: 'recipe', values: { ...shared, ...values } }]), {
    version: 'recipe',
    now: () => performance.now(),
    onEvent: compareReporter(screen),
  });
}

const comparison = join(out, 'comparison');
const { results, markdown, report } = await run({
  model: 'starter',
  out: comparison,
  targetUsers: 24,
  developmentUsers: 8,
  rates: [1e-3, 3e-3],
  taskEpochs: 1,
  taskRate: 1e-3,
});
screen.print(`${table(resultRows(results))}\n${markdown}\n${report}`);

const alphas = [0, 0.3, 0.6, 0.9];
const rows: string[][] = [];
for (const alpha of alphas) {
  const { results } = await run({
    model: join(comparison, 'task', 'model'),
    out: join(out, `alpha-${alpha}`),
    targetUsers: join(comparison, 'users', 'development.json'),
    developmentUsers: 0,
    skipAdaptation: true,
    methods: ['cbpo'],
    rates: [3e-3],
    alpha,
  });
  const [head, row] = resultRows(results) as [string[], string[]];
  if (rows.length === 0) rows.push(['alpha', ...head.slice(1)]);
  rows.push([String(alpha), ...row.slice(1)]);
}
screen.print(table(rows));
