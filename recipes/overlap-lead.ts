/**
 * Does C-BPO's lead over BCO grow with the overlap? Simulated commit authors of whom the overlap is known: populations
 * in which a share alpha of the others has the very habits of those evaluated. The model is adapted to the task on
 * another population; each method's learning rate and beta are chosen on populations that give no result, one pair for all
 * alphas; the population is the unit. Running it again continues where it stopped.
 *
 *   node recipes/overlap-lead.ts --out runs/overlap-lead
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type SimulatedUser, simulateSchema, writeSimulation, writeUserSplit } from '../src/histories/index.ts';
import { adapt, adaptSchema, compare, compareSchema, random, resolveSettings } from '../src/index.ts';
import { bootstrapMean, type Estimate } from '../src/results/index.ts';
import { table, terminal } from '../src/terminal/index.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/overlap-lead' },
    model: { type: 'string', default: 'starter' },
    populations: { type: 'string', default: '5' },
    threads: { type: 'string', default: '0' },
  },
});

const USERS = 21;
/** Users of one way of writing; alpha is (circle - 1) / (USERS - 1), in both senses of docs/simulate.md. */
const CIRCLES = [1, 7, 13, 19];
const EVALUATED = 2;
const DEVELOPMENT_SEED = 101;
const TRIES = [1e-3, 3e-3].flatMap(rate => [0.1, 1].map(beta => ({ rate, beta })));
type Try = (typeof TRIES)[number];
const SEEDS = Array.from({ length: Number(values.populations) }, (_, i) => i + 1);
const METRICS = ['rouge1', 'logLikelihood', 'style'] as const;

/** What is compared; `true alpha` is what C-BPO would do with a perfect estimate. */
const CONTENDERS = {
  OPPU: { method: 'oppu' },
  BCO: { method: 'bco' },
  'C-BPO': { method: 'cbpo' },
  'C-BPO, true alpha': { method: 'cbpo', isTold: true },
} as const satisfies Record<string, { method: string; isTold?: true }>;
type Contender = keyof typeof CONTENDERS;
const NAMES = Object.keys(CONTENDERS) as Contender[];

const screen = terminal();
const at = (...parts: string[]) => join(values.out, ...parts);
const shared = { template: 'commit-subject', maxLength: 160, cache: at('cache'), threads: Number(values.threads) };

async function population(name: string, given: object): Promise<{ file: string; users: readonly SimulatedUser[] }> {
  const { file, users } = await writeSimulation(at(`${name}.jsonl`), simulateSchema.parse(given));
  return { file, users };
}

async function division(name: string, users: readonly SimulatedUser[], targets: number): Promise<string> {
  const names = users.map(({ user }) => user);
  const file = at(`${name}.users.json`);
  await writeUserSplit(file, { targets: names.slice(0, targets), others: names.slice(targets) });
  return file;
}

async function taskModel(): Promise<string> {
  const { file, users } = await population('task', { users: 40, records: 30, overlap: '0.3', seed: 1000 });
  const targetUsers = await division('task', users, 1);
  const given = { ...shared, model: values.model, data: file, targetUsers, out: at('task'), epochs: 2, lr: 2e-3 };
  const { model, heldOut } = await adapt(resolveSettings(adaptSchema, [{ origin: 'recipe', values: given }]), {
    version: 'recipe',
  });
  screen.say(
    `adapted to the task: held-out ${heldOut!.base.toFixed(3)} to ${heldOut!.adapted.toFixed(3)} nats a token`,
  );
  return model;
}

interface Measured {
  readonly alpha: number;
  /** Means over the users evaluated, a metric each. */
  readonly means: Readonly<Record<(typeof METRICS)[number], number>>;
}

async function measure(
  model: string,
  circle: number,
  seed: number,
  name: Contender,
  { rate, beta }: Try,
): Promise<Measured> {
  const label = `circle-${circle}-${seed}`;
  const { file, users } = await population(label, { users: USERS, records: 60, overlap: '0', circle, seed });
  const { alpha } = users[0]!;
  const { method, ...how } = CONTENDERS[name];
  const given = {
    ...{ ...shared, model, data: file, targetUsers: await division(label, users, EVALUATED), developmentUsers: 0 },
    ...{ out: at(label, `${name.toLowerCase().replaceAll(/\W+/g, '-')}-${rate}-${beta}`), skipAdaptation: true },
    ...{ methods: [method], rates: [rate], beta, epochs: 3, maxTokens: 32, embedder: 'ngrams' },
    // Not the targets alone, who have the same habits: then nobody would write otherwise.
    auxiliaryFrom: 'all',
    ...('isTold' in how && { alpha }),
  };
  screen.progress(`${label}: ${name} at rate ${rate}, beta ${beta}`);
  const { results } = await compare(resolveSettings(compareSchema, [{ origin: 'recipe', values: given }]), {
    version: 'recipe',
    now: () => performance.now(),
  });
  const [result] = results.methods;
  const means = Object.fromEntries(METRICS.map(metric => [metric, result!.metrics[metric]!.mean]));
  return { alpha, means: means as Measured['means'] };
}

/**
 * By log-likelihood, since ROUGE-1 sees the content, which is everybody's, and hardly a habit; over all overlaps, since
 * who does not know a user's overlap has one setting for all.
 */
async function choose(model: string, name: Contender): Promise<Try> {
  // Supervised fine-tuning has no beta.
  const tries = name === 'OPPU' ? TRIES.filter(({ beta }) => beta === 0.1) : TRIES;
  const rows = [[`${name}: log-likelihood (ROUGE-1)`, ...CIRCLES.map(circle => `circle ${circle}`), 'mean']];
  const scores: number[] = [];
  for (const settings of tries) {
    const found: Measured['means'][] = [];
    for (const circle of CIRCLES) found.push((await measure(model, circle, DEVELOPMENT_SEED, name, settings)).means);
    const mean = found.reduce((sum, { logLikelihood }) => sum + logLikelihood, 0) / found.length;
    scores.push(mean);
    const cells = found.map(({ logLikelihood, rouge1 }) => `${logLikelihood.toFixed(3)} (${rouge1.toFixed(3)})`);
    rows.push([`rate ${settings.rate}, beta ${settings.beta}`, ...cells, mean.toFixed(3)]);
  }
  const best = tries[scores.indexOf(Math.max(...scores))]!;
  screen.print(`${table(rows)}\ntakes rate ${best.rate}, beta ${best.beta}`);
  return best;
}

const show = ({ mean, low, high }: Estimate) => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
const overPopulations = (numbers: readonly number[], label: string) => bootstrapMean(numbers, random(0, label));
const slopeOf = (x: readonly number[], y: readonly number[]) => {
  const [meanX, meanY] = [x, y].map(v => v.reduce((a, b) => a + b, 0) / v.length) as [number, number];
  const top = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i]! - meanY), 0);
  return top / x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
};

await mkdir(values.out, { recursive: true });
const model = await taskModel();
const chosen = new Map<Contender, Try>();
for (const name of NAMES) chosen.set(name, await choose(model, name));

/** Of each contender, by circle, then by seed. */
const measured = new Map<Contender, Measured[][]>();
for (const name of NAMES) {
  const byCircle: Measured[][] = [];
  for (const circle of CIRCLES) {
    const bySeed: Measured[] = [];
    for (const seed of SEEDS) bySeed.push(await measure(model, circle, seed, name, chosen.get(name)!));
    byCircle.push(bySeed);
  }
  measured.set(name, byCircle);
}

for (const metric of METRICS) {
  const valuesOf = (name: Contender, c: number) => measured.get(name)![c]!.map(({ means }) => means[metric]);
  const alphas = CIRCLES.map((_, c) => measured.get('BCO')![c]![0]!.alpha);
  const rows = [['alpha', ...NAMES, 'C-BPO minus BCO', 'true alpha minus BCO']];
  const lead = (name: Contender, c: number) => valuesOf(name, c).map((value, i) => value - valuesOf('BCO', c)[i]!);
  const RIVALS = ['C-BPO', 'C-BPO, true alpha'] as const;
  for (const [c, alpha] of alphas.entries()) {
    rows.push([
      alpha.toFixed(2),
      ...NAMES.map(name => overPopulations(valuesOf(name, c), metric).mean.toFixed(3)),
      ...RIVALS.map(name => show(overPopulations(lead(name, c), `${metric}/${name}`))),
    ]);
  }
  screen.print(`\n${metric}\n${table(rows)}`);
  for (const name of RIVALS) {
    // One slope a seed: its populations differ in the overlap alone.
    const slopes = SEEDS.map((_, i) =>
      slopeOf(
        alphas,
        alphas.map((_, c) => lead(name, c)[i]!),
      ),
    );
    screen.print(`lead of ${name} over BCO, per unit of alpha: ${show(overPopulations(slopes, `${metric}/slope`))}`);
  }
}
