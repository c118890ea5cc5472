/** The results of a comparison as Markdown: tables that can be read raw, and what is needed to read them. */
import { counted } from '../common/counted.ts';
import { UNIQUENESS_GROUPS } from '../overlap/uniqueness.ts';
import type { Estimate } from '../statistics/intervals.ts';
import { judgeSection } from './judge-markdown.ts';
import type { JudgeResults } from './judge-results.ts';
import { markdownTable, markdownText } from './markdown-table.ts';
import { bestOf, digitsOf, hasBest, measuredBy } from './numbers.ts';
import { type PaperTable, paperSection } from './paper-table.ts';
import { markedMetric, markedTitle, metricRemarks, remarkLines } from './remarks.ts';
import type { MethodResult, MetricInfo, Results } from './results.ts';

/** Metrics side by side: more make lines too long to be read raw. */
const ACROSS = 4;

export interface ResultsContext {
  readonly title: string;
  /** On the run: data, model, users, what was left out; a paragraph each. */
  readonly notes: readonly string[];
  /** What the paper reports for the task. */
  readonly paper?: PaperTable;
  readonly judged?: JudgeResults;
}

/** The whole report. */
export function resultsMarkdown(results: Results, { title, notes, paper, judged }: ResultsContext): string {
  const sections = [
    `# ${markdownText(title)}`,
    ...notes,
    `${counted(results.users.length, 'user')}, ${counted(results.queries, 'query', 'queries')}. Values are means over a user's answers, then over users, where the metric's note does not say otherwise${results.users.length > 1 ? ', with 95% bootstrap intervals over users' : ''}; the best mean of a column is bold, unless all are the same, ↑ says that higher is better, ↓ that lower is.`,
    ...mainTables(results),
    ...(paper ? [paperSection(paper, results)] : []),
    ...comparisonTables(results),
    ...(judged ? [judgeSection(judged)] : []),
    ...groupTables(results),
    '## What the methods are',
    results.methods.map(({ name, title, description }) => `- **${title}** (\`${name}\`): ${description}`).join('\n'),
    '## What the metrics are',
    [
      ...results.metrics.map(metric => `- **${metric.title}** (${metric.better} is better): ${metric.note}`),
      ...results.notMeasured.map(({ metric, reason }) => `- \`${metric}\` was not measured: ${markdownText(reason)}.`),
    ].join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** Methods by metrics, a few metrics a table. */
function mainTables(results: Results): string[] {
  const { metrics, methods, ownTexts, users } = results;
  const tables = Math.ceil(metrics.length / ACROSS);
  const across = Math.ceil(metrics.length / tables);
  return Array.from({ length: tables }, (_, t) => {
    const shown = metrics.slice(t * across, (t + 1) * across);
    const rows = methods.map(method => [
      markedTitle(method, methods),
      ...shown.map(metric => {
        const result = method.metrics[metric.name];
        if (!result) return '';
        const text = estimateText(result, metric, users.length);
        return isBest(method, metric, results) ? text.replace(/^\S+/, '**$&**') : text;
      }),
    ]);
    const own = shown.map(metric => {
      const estimate = ownTexts[metric.name];
      return estimate ? estimateText(estimate, metric, users.length) : '';
    });
    const level = own.some(cell => cell !== '') ? [["users' own later texts", ...own]] : [];
    const head = ['method', ...shown.map(headOf)];
    return [markdownTable(head, [...rows, ...level]), ...remarksBelow(methods, methods, shown)].join('\n\n');
  });
}

function isBest(method: MethodResult, metric: MetricInfo, results: Results): boolean {
  const measured = measuredBy(results, metric);
  return hasBest(measured, metric) && bestOf(measured, metric).some(one => one.method === method);
}

/** A paragraph below a table. */
function remarksBelow(some: Results['methods'], all: Results['methods'], metrics: Results['metrics']): string[] {
  const lines = [...metricRemarks(metrics), ...remarkLines(some, all)];
  return lines.length === 0 ? [] : [lines.join(' ')];
}

/** The anchor against each other method, a table a metric. */
function comparisonTables(results: Results): string[] {
  const { metrics, methods, comparisons, pooledComparisons, users } = results;
  const titleOf = (name: string) => methods.find(method => method.name === name)?.title ?? name;
  const anchor = titleOf(results.anchor);
  const markedName = (name: string) => {
    const method = methods.find(method => method.name === name);
    return method ? markedTitle(method, methods) : name;
  };
  const tables = metrics.flatMap(metric => {
    const paired = comparisons.filter(comparison => comparison.metric === metric.name);
    const pooled = pooledComparisons.filter(comparison => comparison.metric === metric.name);
    if (paired.length + pooled.length === 0) return [];
    const difference = (estimate: Estimate) => estimateText(estimate, metric, users.length, true);
    const table =
      paired.length > 0
        ? markdownTable(
            [`${anchor} against`, 'difference', 'adjusted p', 'win rate', 'wins/ties/losses'],
            paired.map(({ method, adjustedP, winRate: { rate, low, high, wins, ties, losses }, ...estimate }) => [
              markedName(method),
              difference(estimate),
              adjustedP < 0.001 ? '<0.001' : adjustedP.toFixed(3),
              `${rate.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`,
              `${wins}/${ties}/${losses}`,
            ]),
          )
        : markdownTable(
            [`${anchor} against`, 'difference'],
            pooled.map(comparison => [markedName(comparison.method), difference(comparison)]),
          );
    const others = methods.filter(({ name }) => name !== results.anchor);
    return [`### ${headOf(metric)}`, table, ...remarksBelow(others, methods, [metric])];
  });
  if (tables.length === 0) return [];
  return [
    `## ${anchor} against each`,
    `Differences are paired by user and positive where ${anchor} is better, whatever the metric. p: paired randomisation test, corrected after Holm for the rows of its table: where nothing differs, 5 of 100 such tables have a p of at most 0.05 in any row. Win rate: share of users for whom ${anchor} is better, ties half. A value over all answers together has a paired bootstrap interval alone.`,
    ...tables,
  ];
}

/** By uniqueness: the first two metrics of the task, and style. */
function groupTables({ metrics, methods }: Results): string[] {
  const shown = metrics.filter(({ name }, i) => i < 2 || name === 'style');
  const tables = shown.flatMap(metric => {
    const known = methods[0]?.metrics[metric.name]?.byGroup ?? [];
    if (known.length === 0) return [];
    const groups = UNIQUENESS_GROUPS.filter(group => known.some(result => result.group === group));
    const head = groups.map(group => {
      const { users } = known.find(result => result.group === group)!;
      return `${group} (${counted(users, 'user')})`;
    });
    const rows = methods.map(({ title, metrics: found }) => [
      title,
      ...groups.map(group => {
        const result = found[metric.name]?.byGroup.find(each => each.group === group);
        return result ? estimateText(result.estimate, metric, result.users) : '';
      }),
    ]);
    return [`### ${headOf(metric)} by group`, markdownTable(['method', ...head], rows)];
  });
  return tables.length === 0 ? [] : ['## By uniqueness of the users', ...tables];
}

function headOf(metric: MetricInfo): string {
  return `${markedMetric(metric)} ${metric.better === 'higher' ? '↑' : '↓'}`;
}

/** The mean and its interval; of one user there is no interval. */
function estimateText({ mean, low, high }: Estimate, metric: MetricInfo, users: number, signed = false): string {
  const text = (value: number) => {
    const digits = fixed(value, metric);
    return signed && Number(digits) > 0 ? `+${digits}` : digits;
  };
  return users === 1 ? text(mean) : `${text(mean)} [${text(low)}, ${text(high)}]`;
}

/** 0 has no sign. */
function fixed(value: number, metric: MetricInfo): string {
  return value.toFixed(digitsOf(metric)).replace(/^-(0\.0+)$/, '$1');
}
