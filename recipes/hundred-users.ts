/**
 * A hundred users, sixty records each, all ten methods, in one sitting: what it costs, stage by stage, and how C-BPO
 * stands to BCO by how much of what a user writes is in the way everybody shares. The users are simulated commit
 * authors, so that the share is known. Running it again continues where it stopped.
 *
 *   node recipes/hundred-users.ts --out runs/hundred-users
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { simulateSchema, writeSimulation } from '../src/histories/index.ts';
import { compare, compareSchema, random, resolveSettings } from '../src/index.ts';
import { pairedDifference } from '../src/results/index.ts';
import { compareReporter, duration, resultRows, table, terminal } from '../src/terminal/index.ts';
import { differences } from './paired.ts';

const { out, model, threads } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/hundred-users' },
    model: { type: 'string', default: 'starter' },
    threads: { type: 'string', default: '0' },
  },
}).values;
const TARGETS = 100;
const DEVELOPMENT = 6;
const OTHERS = 30;

const screen = terminal();
await mkdir(out, { recursive: true });
const data = join(out, 'histories.jsonl');
const users = TARGETS + DEVELOPMENT + OTHERS;
const simulated = simulateSchema.parse({ users, records: 60, overlap: '0,0.3,0.6,0.9', seed: 1 });
const { users: truth } = await writeSimulation(data, simulated);
const { results, markdown, report } = await compare(
  resolveSettings(compareSchema, [
    {
      origin: 'recipe',
      values: {
        ...{ model, data, out: join(out, 'comparison'), cache: join(out, 'cache') },
        ...{ targetUsers: TARGETS, developmentUsers: DEVELOPMENT, template: 'commit-subject', embedder: 'ngrams' },
        ...{ rates: [1e-3, 3e-3], epochs: 1, taskEpochs: 1, taskRate: 1e-3, maxTokens: 32, maxLength: 256 },
        threads: Number(threads),
      },
    },
  ]),
  { version: 'recipe', now: () => performance.now(), onEvent: compareReporter(screen) },
);
screen.print(`${table(resultRows(results))}\n${markdown}\n${report}`);
screen.print(`TAM:\n${differences(results.methods.find(({ name }) => name === 'tam')!, results)}`);

const costs = (await readFile(join(out, 'comparison', 'costs.jsonl'), 'utf8')).trimEnd().split('\n');
const byStage = new Map<string, number>();
for (const line of costs) {
  const { stage, seconds } = JSON.parse(line) as { stage: string; seconds: number };
  byStage.set(stage, (byStage.get(stage) ?? 0) + seconds);
}
screen.print(table([['stage', 'seconds'], ...[...byStage].map(([stage, s]) => [stage, s.toFixed(0)])]));
const total = [...byStage.values()].reduce((a, b) => a + b, 0);
screen.print(`all stages: ${duration(total)}`);

const shareOf = new Map(truth.map(({ user, shared }) => [user, shared]));
const valuesOf = (method: string, metric: 'rouge1' | 'logLikelihood') =>
  results.methods.find(({ name }) => name === method)!.metrics[metric]!.values!;
for (const metric of ['rouge1', 'logLikelihood'] as const) {
  const rows = [['shared writing', 'users', 'BCO', 'C-BPO', 'C-BPO minus BCO']];
  for (const share of [...new Set(shareOf.values())]) {
    const chosen = results.users.flatMap((user, i) => (shareOf.get(user) === share ? [i] : []));
    const of = (method: string) => chosen.map(i => valuesOf(method, metric)[i]!);
    const mean = (method: string) => (of(method).reduce((a, b) => a + b, 0) / chosen.length).toFixed(3);
    const lead = pairedDifference(of('cbpo'), of('bco'), random(0, `${metric}/${share}`));
    const interval = `${lead.mean.toFixed(4)} [${lead.low.toFixed(4)}, ${lead.high.toFixed(4)}]`;
    rows.push([String(share), String(chosen.length), mean('bco'), mean('cbpo'), interval]);
  }
  screen.print(`\n${metric}\n${table(rows)}`);
}
