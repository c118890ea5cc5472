/** Users: the scores by how unlike others they write, and estimated against true overlap where that is known. */
import { dotChart } from '../../charts/dot-chart.ts';
import { lineChart } from '../../charts/line-chart.ts';
import { meanAbsoluteError } from '../../metrics/regression.ts';
import { UNIQUENESS_GROUPS } from '../../overlap/uniqueness.ts';
import { decimal, hasInterval, intervalOf, measuredBy, range, signed } from '../numbers.ts';
import type { MetricInfo, Results } from '../results.ts';
import { charts, counted, figure, folded, type Html, html, type Section, table } from './html.ts';
import type { ReportUser } from './input.ts';
import { CHART_WIDTH } from './scores.ts';

/** Absent where no user's group is known. */
export function groupsSection(results: Results): Section[] {
  const grouped = results.metrics.filter(metric => groupSizes(results, metric).length > 0);
  if (grouped.length === 0) return [];
  return [
    {
      id: 'groups',
      title: 'By uniqueness of the users',
      body: [
        html`<p>Users in thirds by how unlike the others they write. The groups are small: their intervals are wide, and of fewer than ten users still too narrow.</p>\n`,
        ...charts(grouped.map(metric => groupChart(results, metric))),
        folded('The same in numbers', ...grouped.map(metric => groupTable(results, metric))),
      ],
    },
  ];
}

/** The groups a metric was measured in, the most unique first. */
function groupSizes(results: Results, metric: MetricInfo): { group: string; users: number }[] {
  const found = measuredBy(results, metric).flatMap(({ result }) => result.byGroup);
  return UNIQUENESS_GROUPS.flatMap(group => {
    const users = found.find(one => one.group === group)?.users;
    return users === undefined ? [] : [{ group, users }];
  });
}

function groupChart(results: Results, metric: MetricInfo): Html {
  const series = groupSizes(results, metric).map(({ group, users }) => ({
    name: `${group} (${users})`,
    values: measuredBy(results, metric).flatMap(({ method, result }) =>
      result.byGroup
        .filter(one => one.group === group)
        .map(({ estimate }) => ({
          category: method.title,
          value: estimate.mean,
          ...intervalOf(estimate, users),
        })),
    ),
  }));
  const value = { label: `${metric.title} (${metric.better} is better)` };
  return figure(`${metric.title} by group`, dotChart({ value, series, width: CHART_WIDTH }));
}

function groupTable(results: Results, metric: MetricInfo): Html {
  const groups = groupSizes(results, metric);
  const rows = measuredBy(results, metric).map(({ method, result }) => [
    method.title,
    ...groups.map(({ group, users }) => {
      const found = result.byGroup.find(one => one.group === group);
      if (!found) return '–';
      const { estimate } = found;
      const interval = hasInterval(users) ? range(estimate, metric) : 'one user';
      return html`${decimal(estimate.mean, metric)}<small>${interval}</small>`;
    }),
  ]);
  const heads = groups.map(({ group, users }) => ({ text: `${group} (${counted(users, 'user')})`, number: true }));
  return table({
    caption: `${metric.title} by uniqueness group, 95% intervals over users`,
    heads: [{ text: 'method' }, ...heads],
    rows,
  });
}

/** Absent where no true overlap is known, as for people. */
export function overlapSection(users: readonly ReportUser[]): Section[] {
  const known = users.flatMap(({ alpha, trueAlpha }) =>
    alpha === undefined || trueAlpha === undefined ? [] : [{ alpha, trueAlpha }],
  );
  if (known.length === 0) return [];
  const estimated = known.map(({ alpha }) => alpha);
  const truth = known.map(({ trueAlpha }) => trueAlpha);
  const bias = known.reduce((sum, { alpha, trueAlpha }) => sum + alpha - trueAlpha, 0) / known.length;
  const svg = lineChart({
    x: { label: 'true overlap', domain: [0, 1] },
    y: { label: 'estimated overlap', domain: [0, 1] },
    // A series a user: users are points, and no line joins them.
    series: known.map(({ alpha, trueAlpha }) => ({ name: 'a user', points: [{ x: trueAlpha, y: alpha }] })),
    reference: { at: 'diagonal', label: 'estimate = truth' },
    width: CHART_WIDTH,
  });
  return [
    {
      id: 'overlap',
      title: 'Estimated and true overlap',
      body: [
        html`<p>The overlap α of a user: the share of what others write that could be the user’s own. These users are simulated, so the truth is known. Over ${counted(known.length, 'user')} the estimate is off by ${decimal(meanAbsoluteError(estimated, truth))} on average; estimate minus truth is ${signed(bias)} on average.</p>\n`,
        ...charts([figure('Estimated against true overlap', svg)]),
      ],
    },
  ];
}
