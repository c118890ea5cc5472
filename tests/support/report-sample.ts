/** A made-up comparison with nothing in it that was measured: what the report's tests, and its looks, are tried on. */
import { random } from '../../src/common/random.ts';
import { UNIQUENESS_GROUPS, type UniquenessGroup } from '../../src/overlap/uniqueness.ts';
import type { ReportInput } from '../../src/results/report/input.ts';
import type { MethodDifference, MethodResult, MetricInfo, Results } from '../../src/results/results.ts';
import { holm, pairedDifference, winRate } from '../../src/statistics/comparisons.ts';
import { bootstrapMean } from '../../src/statistics/intervals.ts';
import { type SampleMethod, sampleAnswers } from './report-sample-texts.ts';

const METHODS: readonly SampleMethod[] = [
  { name: 'base', title: 'Base', gain: 0, description: 'The model as it is; the query alone as prompt; greedy.' },
  { name: 'rag', title: 'RAG', gain: 0.03, description: 'The three records nearest by BM25 stand before the query.' },
  {
    name: 'oppu',
    title: 'OPPU',
    gain: 0.055,
    description: 'One adapter a user, by likelihood of own records; rate 1e-4.',
  },
  {
    name: 'rag+oppu',
    title: 'RAG + OPPU',
    gain: 0.06,
    description: 'OPPU’s adapter with retrieved records in the prompt, in training as at the query.',
  },
  { name: 'bco', title: 'BCO', gain: 0.07, description: 'Own records against others’, no correction for overlap.' },
  {
    name: 'cbpo',
    title: 'C-BPO',
    gain: 0.09,
    description: 'BCO with the positive-unlabelled correction; α estimated.',
  },
];

const METRICS: readonly (MetricInfo & { readonly base: number; readonly scale: number })[] = [
  {
    name: 'rougeL',
    title: 'ROUGE-L',
    better: 'higher',
    base: 0.24,
    scale: 1,
    note: 'Longest common subsequence of words, F1; blind to case and punctuation.',
  },
  {
    name: 'rouge1',
    title: 'ROUGE-1',
    better: 'higher',
    base: 0.27,
    scale: 1.1,
    note: 'Shared words, F1; blind to their order.',
  },
  {
    name: 'meteor',
    title: 'METEOR',
    better: 'higher',
    base: 0.21,
    scale: 0.8,
    note: 'Shared words, stems and synonyms in order.',
  },
  {
    name: 'logLikelihood',
    title: 'log-likelihood',
    better: 'higher',
    base: -3.1,
    scale: 8,
    note: 'Nats a token of the user’s own text.',
  },
  {
    name: 'style',
    title: 'style distance',
    better: 'lower',
    base: 0.36,
    scale: -1.4,
    note: 'How far the texts are from the user’s earlier ones; sees topic too.',
  },
  {
    name: 'attribution',
    title: 'attribution',
    better: 'higher',
    base: 0.12,
    scale: 3.1,
    note: 'Share of texts a classifier gives to their user.',
  },
];

export interface SampleOptions {
  readonly users?: number;
  readonly queries?: number;
  /** Names of METHODS, in order; default all. */
  readonly methods?: readonly string[];
  /** Added to every user's values of the anchor, in units of ROUGE-L. */
  readonly anchorShift?: number;
  readonly simulated?: boolean;
}

export function sampleReport(options: SampleOptions = {}): ReportInput {
  const { users: count = 12, queries = 6, simulated = true, methods: names } = options;
  const users = Array.from({ length: count }, (_, i) => `user-${String(i + 1).padStart(2, '0')}`);
  const methods = METHODS.filter(({ name }) => names?.includes(name) ?? true);
  const groups = users.map((_, i) => UNIQUENESS_GROUPS[Math.floor((3 * i) / count)]!);
  const draw = random(5, 'overlap');
  return {
    title: 'Commit subjects of simulated authors: six methods compared',
    facts: [
      { name: 'Data', value: 'histories.jsonl.gz, template commit-subject' },
      { name: 'Model', value: 'SmolLM2-135M, adapted to the task' },
      { name: 'Users', value: `${count} of 80, none seen in adapting` },
      { name: 'Date', value: '2026-11-20' },
    ],
    results: sampleResults(methods, users, groups, { queries: queries * count, anchorShift: options.anchorShift ?? 0 }),
    methods: methods.map(method => sampleAnswers(method, users, queries)),
    users: users.map((user, i) => {
      const trueAlpha = 0.1 + (0.7 * i) / count;
      const alpha = Math.max(0, trueAlpha + 0.06 * draw.normal() - 0.02);
      return { user, alpha, ...(count >= 3 && { group: groups[i]! }), ...(simulated && { trueAlpha }) };
    }),
    search: [1e-4, 3e-4, 1e-3].flatMap((lr, i) =>
      ['oppu', 'bco', 'cbpo'].map(method => ({
        method,
        settings: `lr=${lr} epochs=2`,
        score: 0.27 + 0.02 * (1 - Math.abs(i - 1)),
        chosen: i === 1,
      })),
    ),
    searchNote: 'ROUGE-L of greedy answers on 8 development users, none of them among the users above.',
    costs: [
      { stage: 'overlap', seconds: 41.3, detail: '12 users, hashed n-grams' },
      { stage: 'training', seconds: 5_220, detail: '36 adapters, 2 threads' },
      { stage: 'answers', seconds: 912, detail: '432 texts' },
    ],
    settings: [
      { name: 'model', value: 'models/SmolLM2-135M-commits', origin: '--model' },
      { name: 'seed', value: '0', origin: 'default' },
      { name: 'lr', value: '0.0003', origin: 'search' },
    ],
    notes: ['Simulated authors have simpler habits than people.', 'One training seed.'],
  };
}

function sampleResults(
  methods: readonly SampleMethod[],
  users: readonly string[],
  groups: readonly UniquenessGroup[],
  { queries, anchorShift }: { queries: number; anchorShift: number },
): Results {
  const anchor = methods.at(-1)!.name;
  const draw = random(1, 'users');
  const ability = users.map(() => 0.05 * draw.normal());
  const valuesOf = (method: SampleMethod, { name, base, scale }: (typeof METRICS)[number]) => {
    const own = random(2, `${method.name}/${name}`);
    const gain = method.gain + (method.name === anchor ? anchorShift : 0);
    return ability.map(level => base + scale * (gain + level + 0.012 * own.normal()));
  };
  const estimate = (values: readonly number[]) => bootstrapMean(values, random(3, 'interval'));
  const byGroup = (values: readonly number[]) =>
    UNIQUENESS_GROUPS.flatMap(group => {
      const own = values.filter((_, u) => groups[u] === group);
      return users.length < 3 ? [] : [{ group, users: own.length, estimate: estimate(own) }];
    });
  const comparisons = METRICS.filter(({ name }) => name !== 'attribution').flatMap(metric => {
    const sign = metric.better === 'higher' ? 1 : -1;
    const [ours, ...others] = [methods.at(-1)!, ...methods.slice(0, -1)].map(method => ({
      name: method.name,
      values: valuesOf(method, metric).map(value => sign * value),
    }));
    const found = others.map(
      ({ name, values }): Omit<MethodDifference, 'adjustedP'> => ({
        method: name,
        metric: metric.name,
        ...pairedDifference(ours!.values, values, random(4, name)),
        winRate: winRate(ours!.values.map((value, u) => value - values[u]!)),
      }),
    );
    const adjusted = holm(found.map(({ p }) => p));
    return found.map((one, i) => ({ ...one, adjustedP: adjusted[i]! }));
  });
  // Taken for one value over all answers, as macro F1 is.
  const pooled = methods.slice(0, -1).map(({ name }, i) => {
    const mean = 0.2 - 0.04 * i;
    return { method: name, metric: 'attribution' as const, mean, low: mean - 0.05, high: mean + 0.05 };
  });
  return {
    users,
    queries,
    anchor,
    metrics: METRICS.map(({ name, title, better, note }) => ({ name, title, better, note })),
    methods: methods.map(({ name, title, description, ...method }): MethodResult => {
      const measured = METRICS.map(metric => {
        const values = valuesOf({ name, title, description, ...method }, metric);
        return [metric.name, { ...estimate(values), values, byGroup: byGroup(values) }] as const;
      });
      return { name, title, description, metrics: Object.fromEntries(measured) };
    }),
    comparisons,
    pooledComparisons: pooled,
    notMeasured: [{ metric: 'macroF1', reason: 'the texts are no labels' }],
    ownTexts: {
      style: { mean: 0.152, low: 0.138, high: 0.167 },
      attribution: { mean: 0.61, low: 0.55, high: 0.68 },
    },
  };
}
