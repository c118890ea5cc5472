/**
 * The tables of docs/overlap.md: how far the estimators of alpha are off where alpha is known.
 *
 * Synthetic: families of feature vectors with an exact share of the target's kind in the auxiliary side. Real: users of
 * commit histories with a share m of their own held-back records mixed into the auxiliary side; the true alpha is at
 * least m there, because others may write alike. Estimates are taken before the cap. It takes about half an hour of one
 * core; running it again continues where it stopped, and several may run at once on seeds of their own.
 *
 *   node recipes/overlap-benchmark.ts --out FOLDER [--data commits-100users.jsonl.gz] [--families development]
 *     [--sizes 20,40,100,600] [--ratios 1.5,5] [--seeds 0:20]
 *
 * Writes trials.jsonl, and from all that is in it cells.json (one object per cell of every table), tables.md and the
 * pictures.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineChart } from '../src/charts/line-chart.ts';
import { exists, writeFileAtomic } from '../src/common/files.ts';
import { random } from '../src/common/random.ts';
import { groupByUser, type HistoryRecord, openHistories } from '../src/histories/index.ts';
import { areaUnderCurve, type BySide, crossFit } from '../src/overlap/cross-fit.ts';
import { alphaFromScores, CROSS_FIT } from '../src/overlap/estimate.ts';
import { dedpul } from '../src/overlap/estimators.ts';
import { fitLogistic, logOdds } from '../src/overlap/logistic-regression.ts';
import { bootstrapMean, type Estimate } from '../src/statistics/intervals.ts';
import { DEVELOPMENT, type Family, REPORTED, sample } from './overlap-families.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    data: { type: 'string' },
    families: { type: 'string', default: 'reported' },
    sizes: { type: 'string', default: '20,40,100,600' },
    ratios: { type: 'string', default: '1.5,5' },
    seeds: { type: 'string', default: '0:20' },
  },
});
const { out, data } = values;
if (!out) throw new Error('usage: overlap-benchmark.ts --out FOLDER [--data FILE.jsonl.gz]');
const numbers = (text: string) => text.split(',').map(Number);
const [firstSeed, endSeed] = values.seeds.split(':').map(Number) as [number, number];
const development = values.families === 'development';
const families = development ? DEVELOPMENT : REPORTED;
/** Users whose order in the file is below this were looked at when the default was chosen. */
const DEVELOPMENT_USERS = 30;
const ALPHAS = [0, 0.1, 0.3, 0.6, 0.9];
const ESTIMATORS = ['binormal', 'bbe', 'dedpul', 'elkan-noto', 'paper'] as const;
type EstimatorName = (typeof ESTIMATORS)[number];

interface Trial {
  /** Family and width, or the text. */
  readonly data: string;
  /** Seed or user. */
  readonly of: string;
  readonly size: number;
  readonly ratio: number;
  readonly alpha: number;
  readonly estimator: EstimatorName;
  readonly error: number;
  /** Whether the 95% interval holds the truth; DEDPUL's bootstrap is too slow to be run here. */
  readonly covered: boolean | null;
  readonly separation: number;
}
await mkdir(out, { recursive: true });
const file = join(out, 'trials.jsonl');
const readTrials = async (): Promise<Trial[]> =>
  (await exists(file))
    ? (await readFile(file, 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line))
    : [];
type Setup = Pick<Trial, 'data' | 'of' | 'size' | 'ratio' | 'alpha'>;
const keyOf = ({ data, of, size, ratio, alpha }: Setup) => JSON.stringify([data, of, size, ratio, alpha]);
const done = new Set((await readTrials()).map(keyOf));

interface Sample extends BySide<Float32Array[]> {
  readonly truth: number;
  readonly keys?: BySide<string[]>;
}

/** All estimators on one sample, unless the file has them. */
async function tryAll(setup: Setup, draw: () => Sample): Promise<void> {
  if (done.has(keyOf(setup))) return;
  const { truth, keys, ...rows } = draw();
  const trials: Trial[] = [];
  const seed = 1;
  const scores = crossFit(rows, CROSS_FIT, { seed, label: keyOf(setup) }, keys);
  const separation = areaUnderCurve(scores);
  for (const estimator of ESTIMATORS) {
    if (estimator === 'dedpul') {
      trials.push({ ...setup, estimator, error: dedpul(scores) - truth, covered: null, separation });
      continue;
    }
    const { alpha, low, high } = alphaFromScores(
      scores,
      estimator,
      random(seed, `bootstrap/${estimator}/${keyOf(setup)}`),
    );
    trials.push({ ...setup, estimator, error: alpha - truth, covered: low <= truth && truth <= high, separation });
  }
  await appendFile(file, trials.map(trial => `${JSON.stringify(trial)}\n`).join(''));
}

/** Area under the ROC of P against N for a classifier that saw 1000 of each: what the classes allow. */
function idealArea(family: Family): number {
  const source = random(1, `ideal/${family.name}/${family.width}`);
  const drawn = () => sample(family, 0, 1000, 1000, source);
  const { target, auxiliary } = drawn();
  const labels = [...target.map(() => true), ...auxiliary.map(() => false)];
  const model = fitLogistic([...target, ...auxiliary], labels, 0.01);
  const fresh = drawn();
  const score = (rows: Float32Array[]) => Float64Array.from(rows, row => logOdds(model, row));
  return areaUnderCurve({ target: score(fresh.target), auxiliary: score(fresh.auxiliary) });
}

// Seeds outermost: a run that is stopped has tried everything about equally often.
for (let seed = firstSeed; seed < endSeed; seed++) {
  for (const size of numbers(values.sizes)) {
    for (const ratio of numbers(values.ratios)) {
      if (size * ratio > 1000) continue; // that many records need no further ones
      for (const family of families) {
        for (const alpha of ALPHAS) {
          const setup = { data: `${family.name}, width ${family.width}`, of: String(seed), size, ratio, alpha };
          const source = random(1, `${values.families}/${keyOf(setup)}`);
          await tryAll(setup, () => sample(family, alpha, size, Math.round(size * ratio), source));
        }
      }
    }
  }
  console.error(`${new Date().toISOString()} seed ${seed}`);
}

/** Hashed character n-grams (1 to 4) of what was written, as logarithms of counts, of length 1. */
function embed(records: readonly HistoryRecord[], width = 512): Float32Array[] {
  return records.map(({ output }) => {
    const text = ` ${output} `;
    const counts = new Float32Array(width);
    for (let length = 1; length <= 4; length++) {
      for (let start = 0; start + length <= text.length; start++) {
        let hash = 0x811c9dc5;
        for (let i = start; i < start + length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
        counts[(Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0) % width]!++;
      }
    }
    const logs = counts.map(Math.log1p);
    const norm = Math.hypot(...logs);
    return logs.map(x => x / norm);
  });
}

if (data) {
  const byUser = [...(await groupByUser(openHistories(data)))];
  const users = development ? byUser.slice(0, DEVELOPMENT_USERS) : byUser.slice(DEVELOPMENT_USERS);
  for (const [user, records] of users) {
    const source = random(1, `real/${user}`);
    const own = source.shuffled(records);
    const others = source.shuffled(byUser.flatMap(([name, theirs]) => (name === user ? [] : theirs)));
    for (const [size, ratio] of [
      [20, 1.5],
      [20, 5],
      [40, 1.5],
      [40, 5],
    ] as const) {
      for (const alpha of ALPHAS) {
        const count = size * ratio;
        const shared = Math.round(alpha * count);
        if (size + shared > own.length) continue;
        const target = own.slice(0, size);
        const auxiliary = [...own.slice(size, size + shared), ...others.slice(0, count - shared)];
        const texts = (of: readonly HistoryRecord[]) => of.map(({ output }) => output);
        await tryAll({ data: 'commit subjects', of: user, size, ratio, alpha }, () => ({
          target: embed(target),
          auxiliary: embed(auxiliary),
          truth: shared / count,
          keys: { target: texts(target), auxiliary: texts(auxiliary) },
        }));
      }
    }
  }
}

interface Cell extends Pick<Trial, 'data' | 'size' | 'ratio' | 'estimator'> {
  /** A number, or `all`. */
  readonly alpha: number | 'all';
  readonly trials: number;
  readonly bias: Estimate;
  readonly absoluteError: Estimate;
  readonly coverage: number | null;
  readonly separation: number;
}

function cellOf(of: readonly Trial[], name: Pick<Cell, 'data' | 'size' | 'ratio' | 'estimator' | 'alpha'>): Cell {
  const errors = of.map(({ error }) => error);
  const average = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const covered = of.flatMap(trial => (trial.covered === null ? [] : [Number(trial.covered)]));
  return {
    ...name,
    trials: of.length,
    bias: bootstrapMean(errors, random(1, 'bias')),
    absoluteError: bootstrapMean(errors.map(Math.abs), random(1, 'error')),
    coverage: covered.length > 0 ? average(covered) : null,
    separation: average(of.map(({ separation }) => separation)),
  };
}

/** Cells of every combination that was tried; `synthetic` pools the families. */
function cellsOf(of: readonly Trial[], alphaOf: (trial: Trial) => number | 'all', pooled?: string): Cell[] {
  const groups = new Map<string, Trial[]>();
  for (const trial of of) {
    const key = JSON.stringify([pooled ?? trial.data, trial.size, trial.ratio, alphaOf(trial), trial.estimator]);
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  return [...groups].map(([key, group]) => {
    const [data, size, ratio, alpha, estimator] = JSON.parse(key);
    return cellOf(group, { data, size, ratio, alpha, estimator });
  });
}
const trials = await readTrials();
const synthetic = trials.filter(({ data }) => data !== 'commit subjects');
const cells = [
  ...cellsOf(trials, ({ alpha }) => alpha),
  ...cellsOf(trials, () => 'all'),
  ...cellsOf(synthetic, ({ alpha }) => alpha, 'synthetic'),
  ...cellsOf(synthetic, () => 'all', 'synthetic'),
];

const interval = ({ mean, low, high }: Estimate) => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
/** One line per row name, one column per estimator. */
function table(title: string, rowName: string, of: readonly Cell[], rowOf: (cell: Cell) => string): string[] {
  const rows = [...new Set(of.map(rowOf))];
  const lines = [`### ${title}`, '', `| ${rowName} | ${ESTIMATORS.join(' | ')} |`, `${'|---'.repeat(6)}|`];
  for (const row of rows) {
    const texts = ESTIMATORS.map(name => {
      const cell = of.find(candidate => rowOf(candidate) === row && candidate.estimator === name)!;
      const bias = `${cell.bias.mean < 0 ? '-' : '+'}${Math.abs(cell.bias.mean).toFixed(3)}`;
      const coverage = cell.coverage === null ? '' : `, ${Math.round(100 * cell.coverage)}%`;
      return `${interval(cell.absoluteError)}, ${bias}${coverage}`;
    });
    lines.push(`| ${row} | ${texts.join(' | ')} |`);
  }
  return [...lines, ''];
}
const sizeOf = ({ size, ratio }: Cell) => `${size} own, ${size * ratio} others`;
const lines = ['Mean absolute error with its 95% interval, bias, and how often the 95% interval holds alpha.', ''];
for (const data of new Set(cells.map(cell => cell.data))) {
  const of = cells.filter(cell => cell.data === data);
  const family = families.find(({ name, width }) => `${name}, width ${width}` === data);
  const ideal = family ? ` (ideal area under the ROC ${idealArea(family).toFixed(3)})` : '';
  const overall = of.filter(({ alpha }) => alpha === 'all');
  if (overall.length > 0) lines.push(...table(`${data}${ideal}, by size`, 'records', overall, sizeOf));
  const one = of.filter(({ alpha }) => alpha !== 'all');
  lines.push(...table(`${data}, by size and alpha`, 'records, alpha', one, cell => `${sizeOf(cell)}, ${cell.alpha}`));
}

/** Absolute error and bias against alpha, a panel per size, a line per estimator. */
const MEASURES = { absoluteError: 'mean absolute error of alpha', bias: 'bias of alpha' } as const;
for (const data of ['synthetic', 'commit subjects']) {
  const of = data === 'synthetic' ? synthetic : trials.filter(trial => trial.data === data);
  const drawn = cellsOf(of, ({ alpha }) => alpha, data).filter(({ ratio }) => ratio === 1.5);
  if (drawn.length === 0) continue;
  for (const measure of ['absoluteError', 'bias'] as const) {
    const lines = Map.groupBy(drawn, ({ size, estimator }) => JSON.stringify([size, estimator]));
    const picture = lineChart({
      title: `${MEASURES[measure]}, ${data}`,
      subtitle: 'by own records, 1.5 times as many others; 95% intervals over samples',
      x: { label: 'true alpha' },
      y: { label: MEASURES[measure], zero: true },
      series: [...lines.values()].map(cells => ({
        name: cells[0]!.estimator,
        facet: `${cells[0]!.size} records`,
        points: cells.map(({ alpha, [measure]: { mean, low, high } }) => ({ x: Number(alpha), y: mean, low, high })),
      })),
      width: 860,
    });
    await writeFileAtomic(join(out, `${data.replace(' ', '-')}-${measure === 'bias' ? 'bias' : 'error'}.svg`), picture);
  }
}

await writeFileAtomic(join(out, 'cells.json'), `${JSON.stringify(cells, null, 1)}\n`);
await writeFileAtomic(join(out, 'tables.md'), `${lines.join('\n')}\n`);
console.log(lines.join('\n'));
