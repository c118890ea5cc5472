/** The anchor minus each other method on the same users: charts against zero, and the numbers. */
import { dotChart } from '../../charts/dot-chart.ts';
import {
  type Difference,
  differencesBy,
  hasInterval,
  intervalOf,
  pValue,
  range,
  signed,
  type Verdict,
  verdictOf,
} from '../numbers.ts';
import type { MetricInfo, Results } from '../results.ts';
import { charts, figure, folded, type Html, html, NOTHING, type Section, table } from './html.ts';
import { CHART_WIDTH } from './scores.ts';

const READING: Readonly<Record<Verdict, string>> = {
  better: 'better',
  worse: 'worse',
  untold: 'no clear difference',
  chance: 'no clear difference',
  few: 'too few users to tell',
  alone: 'one user: no interval',
  untested: 'not tested',
};

interface Compared {
  readonly metric: MetricInfo;
  readonly differences: readonly Difference[];
}

export function differencesSection(results: Results): Section {
  const anchor = titleOf(results, results.anchor);
  const compared = results.metrics
    .map(metric => ({ metric, differences: differencesBy(results, metric) }))
    .filter(({ differences }) => differences.length > 0);
  const [first, ...others] = compared;
  const title = `${anchor} minus each other method`;
  if (!first) {
    return { id: 'differences', title, body: [html`<p>There is no other method to compare with.</p>\n`] };
  }
  const more = others.map(one => differenceTable(one, results));
  return {
    id: 'differences',
    title,
    body: [
      html`<p>${anchor} is the anchor: the others are compared with it, paired by user. To the right of 0 ${anchor} is better, whatever the metric; Intervals are not corrected for their number; the p-values of a table are (Holm). ${anchor} is called better or worse where the interval leaves out 0 and the corrected p is at most 0.05; else the two are no clear difference. A value over all answers together has no p-value, so its differences are not tested.</p>\n`,
      ...charts(compared.map(one => differenceChart(one, results))),
      differenceTable(first, results),
      ...(more.length > 0 ? [folded('The same by the other metrics', ...more)] : []),
    ],
  };
}

function differenceChart({ metric, differences }: Compared, results: Results): Html {
  const values = differences.map(one => ({
    category: titleOf(results, one.method),
    value: one.mean,
    ...intervalOf(one, results.users.length),
  }));
  const svg = dotChart({
    value: { label: `difference in ${metric.title}`, zero: true },
    series: [{ name: `${titleOf(results, results.anchor)} minus each`, values }],
    width: CHART_WIDTH,
  });
  return figure(`${metric.title}: ${titleOf(results, results.anchor)} minus …`, svg);
}

function differenceTable({ metric, differences }: Compared, results: Results): Html {
  const users = results.users.length;
  const anchor = titleOf(results, results.anchor);
  const rows = differences.map(one => [
    named(results, one.method),
    READING[verdictOf(one, users)],
    signed(one.mean, metric),
    hasInterval(users) ? range(one, metric, signed) : '–',
    one.p === undefined ? '–' : pValue(one.p).replace(/^p (= )?/, ''),
    one.adjustedP === undefined ? '–' : pValue(one.adjustedP).replace(/^p (= )?/, ''),
    one.winRate ? `${one.winRate.wins} / ${one.winRate.ties} / ${one.winRate.losses}` : '–',
  ]);
  return table({
    caption: `${metric.title}: ${anchor} against each other method${metric.remark === undefined ? '' : ` (${metric.remark})`}`,
    heads: [
      { text: 'against' },
      { text: `${anchor} is` },
      { text: 'difference', number: true },
      { text: '95% interval', number: true },
      { text: 'p', number: true },
      { text: 'p, corrected', number: true },
      { text: 'users better / equal / worse', number: true },
    ],
    rows,
  });
}

/** The title with what has to be known of the method's numbers. */
function named(results: Results, name: string): Html {
  const remark = results.methods.find(method => method.name === name)?.remark;
  return html`${titleOf(results, name)}${remark === undefined ? NOTHING : html`<small>${remark}</small>`}`;
}

function titleOf({ methods }: Results, name: string): string {
  return methods.find(method => method.name === name)?.title ?? name;
}
