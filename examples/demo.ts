/**
 * The whole job in a few minutes, with nothing to download: users with known habits, a third of them alike, the built-in
 * backbone adapted to their task, an adapter for each of five of them by C-BPO, OPPU and BCO, and the comparison as a report.
 *
 *   npm run demo [-- --out FOLDER] [--open]
 *
 * Stopped by Ctrl-C, the same command continues where it was.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { exists } from '../src/common/files.ts';
import {
  readHistories,
  renderPrompt,
  type SimulatedUser,
  simulateSchema,
  writeSimulation,
} from '../src/histories/index.ts';
import {
  compare,
  compareSchema,
  IdiolectError,
  LanguageModel,
  type MethodSpec,
  methodsByName,
  random,
  resolveSettings,
  type TrainingSpec,
} from '../src/index.ts';
import type { OverlapEstimate } from '../src/overlap/index.ts';
import type { Answer, Results } from '../src/results/index.ts';
import { compareReporter, duration, resultRows, table, terminal } from '../src/terminal/index.ts';

const { out: folder, open } = parseArgs({
  options: { out: { type: 'string', default: 'runs/demo' }, open: { type: 'boolean', default: false } },
}).values;
const now = () => performance.now();
const started = now();
const screen = terminal();
const stop = new AbortController();
process.on('SIGINT', () => (stop.signal.aborted ? process.exit(130) : stop.abort()));

const data = join(folder, 'histories.jsonl');
const settings = resolveSettings(compareSchema, [
  {
    origin: 'demo',
    values: {
      model: 'starter',
      data,
      out: join(folder, 'comparison'),
      template: 'commit-subject',
      targetUsers: 5,
      developmentUsers: 0,
      methods: ['tam', 'oppu', 'bco', 'cbpo'],
      rates: [2e-3],
      taskEpochs: 2,
      taskRate: 1e-3,
      maxTokens: 32,
      maxLength: 160,
      embedder: 'ngrams',
      auxiliaryFrom: 'all', // those of whom the overlap is known
      cache: join(folder, 'cache'),
    },
  },
]);

async function demo(): Promise<void> {
  if (!(await exists(`${data}.truth.json`))) {
    await mkdir(folder, { recursive: true });
    const population = simulateSchema.parse({ users: 24, records: 40, overlap: '0', circle: 8, seed: 22 });
    const { records, users } = await writeSimulation(data, population);
    screen.say(
      `${records} commits of ${users.length} made-up users in three teams, each with habits of its own: ${data}`,
    );
  }
  const onEvent = compareReporter(screen);
  const summary = await compare(settings, { version: 'demo', now, onEvent, signal: stop.signal });
  screen.print(`\nMeans over five users, who wrote ${summary.results.queries} later texts that no method saw:\n`);
  screen.print(table(resultRows(summary.results)));

  const { users } = summary.results;
  const overlapFile = join(settings.values.out, 'targets', 'overlap.json');
  const estimates: Record<string, OverlapEstimate> = JSON.parse(await readFile(overlapFile, 'utf8'));
  const { users: known }: { users: readonly SimulatedUser[] } = JSON.parse(
    await readFile(`${data}.truth.json`, 'utf8'),
  );
  const truth = users.map(user => known.find(simulated => simulated.user === user)!);
  const voices = truth.filter(({ circle }, i) => truth.findIndex(other => other.circle === circle) === i);
  await showVoices(
    voices.map(({ user }) => user),
    bestTrained(summary.results),
  );
  showOverlap(truth, estimates);
  screen.print(
    `\n${duration((now() - started) / 1000)}. The report, with all texts side by side: ${resolve(summary.report)}`,
  );
  if (open) openFile(resolve(summary.report));
  else screen.print('Open it in a browser, or run: npm run demo -- --open');
}

/** The method with adapters that expects the users' own later texts most. */
function bestTrained({ methods }: Results): MethodSpec & { readonly training: TrainingSpec } {
  const likelihood = (name: string) => methods.find(method => method.name === name)!.metrics.logLikelihood!.mean;
  const trained = methodsByName(settings.values.methods).flatMap(spec =>
    spec.training ? [{ ...spec, training: spec.training }] : [],
  );
  return trained.reduce((best, spec) => (likelihood(spec.name) > likelihood(best.name) ? spec : best));
}

/** One change nobody of them made, as the adapters of some users put it, and what its author wrote. */
async function showVoices(
  users: readonly string[],
  { name, title, training }: ReturnType<typeof bestTrained>,
): Promise<void> {
  const { values } = settings;
  for await (const { user, input, output } of readHistories(data)) {
    if (users.includes(user)) continue;
    const model = await LanguageModel.load(join(values.out, 'task', 'model'));
    screen.print(
      `\nThe same change, in ${users.length} users' voices (by ${title}, the method with the best mean log-likelihood here):\n\n${indented(input)}\n`,
    );
    for (const user of users) {
      const run = join(values.out, 'targets', 'adapters', `${training.name}-${values.rates[0]}`);
      const adapter = await model.loadAdapter(join(run, 'adapters', user));
      const [text] = await model.generateAll([renderPrompt(values.template, { input })], {
        ...{ adapter, maxTokens: 32, temperature: 0, topP: 1, random: () => random(0) },
      });
      const [own]: Answer[] = JSON.parse(
        await readFile(join(values.out, 'targets', 'answers', name, `${user}.json`), 'utf8'),
      );
      screen.print(`  ${user.padEnd(4)} ${text}\n       (elsewhere this user wrote: ${own!.reference})`);
    }
    await model.close();
    screen.print(`\n  its author wrote: ${output}`);
    return;
  }
}

/** Alpha as estimated before training, and as it is, which only a simulation knows. */
function showOverlap(users: readonly SimulatedUser[], estimates: Readonly<Record<string, OverlapEstimate>>): void {
  screen.print('\nHow much of what others write could be each user’s own:\n');
  const rows = users.map(({ user, circle, alpha: truth }) => {
    const { alpha, interval } = estimates[user]!;
    const estimated = `${alpha.toFixed(2)} [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
    return [user, String(circle + 1), estimated, truth.toFixed(2)];
  });
  screen.print(table([['', 'team', 'estimated alpha', 'true alpha'], ...rows]));
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

/** By the system's own opener. */
function openFile(file: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(command, [file], { detached: true, stdio: 'ignore' });
  child.on('error', () => screen.say(`there is no ${command} here; open ${file} in a browser.`));
  child.unref();
}

try {
  await demo();
} catch (error) {
  if (!(error instanceof IdiolectError)) throw error;
  screen.say(error.code === 'INTERRUPTED' ? 'stopped; npm run demo continues from here.' : error.message);
  process.exitCode = error.code === 'INTERRUPTED' ? 130 : 1;
}
