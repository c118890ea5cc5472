/**
 * The tables of docs/simulate.md: how near the estimators of alpha come to the true overlap of simulated users, from
 * hashed n-grams of what they wrote. One user of each of ten populations of 21, by share and by number of records.
 *
 *   node recipes/overlap-recovery.ts --kind commits --records 60
 */
import { parseArgs } from 'node:util';
import { Population, type SimulateSettings, sampleAuxiliary, simulateSchema } from '../src/histories/index.ts';
import { binormalPosterior } from '../src/overlap/binormal.ts';
import { areaUnderCurve, crossFit, type Scores } from '../src/overlap/cross-fit.ts';
import { CROSS_FIT } from '../src/overlap/estimate.ts';
import { bbe, dedpul, elkanNoto, paper } from '../src/overlap/estimators.ts';
import { ngramVector } from '../src/overlap/ngrams.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'commits' },
    records: { type: 'string', default: '60' },
    seeds: { type: 'string', default: '10' },
    shares: { type: 'string', default: '0.1,0.3,0.5,0.7,0.9' },
    /** The designs that begin so; all where empty. */
    design: { type: 'string', default: '' },
  },
});

const USERS = 21;
/** Populations in which the true alpha of the first user is the share. */
const DESIGNS: Readonly<Record<string, (share: number) => Partial<SimulateSettings>>> = {
  'one way each': share => ({ overlap: '0', circle: 1 + Math.round(share * (USERS - 1)) }),
  'one way each, habits in two dimensions only': share => ({
    ...{ overlap: '0', circle: 1 + Math.round(share * (USERS - 1)), habits: 2 },
  }),
  'shared way alone, among mixed': share => ({ overlap: ['1', ...Array(USERS - 1).fill(share)].join(',') }),
  // Here alpha is what could be the user's; the mixture proportion is 0.
  'mixed, among mixed': share => ({ overlap: String(share) }),
};
const ESTIMATORS: Readonly<Record<string, (scores: Scores) => number>> = {
  binormal: scores => binormalPosterior(scores).median,
  paper,
  bbe,
  'elkan-noto': elkanNoto,
  dedpul,
};

/** Scores of the first user's records and of others', as `OverlapStudy` compares them: training records, five to one. */
function scoresOf(settings: SimulateSettings): Scores {
  const population = new Population(settings);
  const training = population.users.flatMap(user =>
    [...population.records(user)].slice(0, Math.round(0.8 * settings.records)).map(({ record }) => record),
  );
  const user = population.users[0]!.user;
  const target = training.filter(record => record.user === user);
  const auxiliary = sampleAuxiliary(training, { user, count: 5 * target.length, seed: settings.seed });
  const sides = { target: target.map(r => r.output), auxiliary: auxiliary.map(r => r.output) };
  const vectors = {
    target: sides.target.map(t => ngramVector(t)),
    auxiliary: sides.auxiliary.map(t => ngramVector(t)),
  };
  return crossFit(vectors, CROSS_FIT, { seed: settings.seed, label: `overlap/${user}` }, sides);
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

for (const [design, populationOf] of Object.entries(DESIGNS).filter(([name]) => name.startsWith(values.design))) {
  console.log(`\n${values.kind}, ${values.records} records a user: ${design}\n`);
  console.log(`| alpha | separation (AUC) | ${Object.keys(ESTIMATORS).join(' | ')} |`);
  console.log(`| ----- | ---------------- |${' --- |'.repeat(Object.keys(ESTIMATORS).length)}`);
  const errors = new Map(Object.keys(ESTIMATORS).map(name => [name, [] as number[]]));
  for (const share of values.shares.split(',').map(Number)) {
    const drawn = Array.from({ length: Number(values.seeds) }, (_, seed) =>
      scoresOf(
        simulateSchema.parse({
          ...populationOf(share),
          kind: values.kind,
          users: USERS,
          records: Number(values.records),
          seed: seed + 1,
        }),
      ),
    );
    const cells = Object.entries(ESTIMATORS).map(([name, estimator]) => {
      const found = drawn.map(estimator);
      errors.get(name)!.push(...found.map(alpha => Math.abs(alpha - share)));
      const deviation = Math.sqrt(mean(found.map(alpha => (alpha - mean(found)) ** 2)));
      return `${mean(found).toFixed(2)} ± ${deviation.toFixed(2)}`;
    });
    console.log(`| ${share} | ${mean(drawn.map(areaUnderCurve)).toFixed(2)} | ${cells.join(' | ')} |`);
  }
  const means = [...errors.values()].map(all => mean(all).toFixed(2));
  console.log(`| mean absolute error | | ${means.join(' | ')} |`);
}
