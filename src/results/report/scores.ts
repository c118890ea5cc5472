/** The main table of every method and metric, and the same as dot charts. */
import { dotChart } from '../../charts/dot-chart.ts';
import { bestOf, decimal, hasBest, hasInterval, intervalOf, measuredBy, range } from '../numbers.ts';
import type { MethodResult, MetricInfo, Results } from '../results.ts';
import { charts, counted, figure, type Html, html, NOTHING, type Section, scrolling } from './html.ts';

/** Charts are drawn as wide as a phone and are side by side where there is room, so that they need no shrinking. */
export const CHART_WIDTH = 350;

const OWN_TEXTS = 'the users’ own later texts';

export function scoresSection(results: Results): Section {
  const { users, queries } = results;
  const intervals = hasInterval(users.length)
    ? 'Means with 95% bootstrap intervals over users below them.'
    : 'There is one user, so there are no intervals.';
  return {
    id: 'scores',
    title: 'Every method, every metric',
    body: [
      html`<p>${counted(users.length, 'user')}, ${counted(queries, 'query')}. ${intervals} The best mean of a column has a star, unless all are the same; whether it differs clearly from the others, <a href="#differences">the differences</a> say. A click on the head of a column sorts.</p>\n`,
      mainTable(results),
      ...charts(results.metrics.flatMap(metric => metricChart(results, metric))),
    ],
  };
}

function mainTable(results: Results): Html {
  const { metrics, methods } = results;
  const heads = metrics.map(({ title, better, remark }) => {
    const first = better === 'higher' ? 'descending' : 'ascending';
    return html`<th scope="col" class="number" data-first="${first}"><button type="button">${title}</button><small>${better} is better</small>${remark === undefined ? NOTHING : html`<small class="remark">${remark}</small>`}</th>`;
  });
  const rows = methods.map((method, place) => {
    const cells = metrics.map(metric => cell(method, metric, results));
    const anchor = method.name === results.anchor ? html`<small>anchor</small>` : NOTHING;
    const remark = method.remark === undefined ? NOTHING : html`<small>${method.remark}</small>`;
    return html`<tr><th scope="row" class="text" data-value="${place}"><a href="#method-${place + 1}">${method.title}</a>${anchor}${remark}</th>${cells}</tr>\n`;
  });
  const caption = 'Scores of each method';
  return scrolling(
    caption,
    html`<table class="sortable"><caption>${caption}</caption>
<thead><tr><th scope="col" class="text" data-first="ascending"><button type="button">method</button><small>as given</small></th>${heads}</tr></thead>
<tbody>
${rows}</tbody>
${ownTexts(results)}</table>`,
  );
}

function cell(method: MethodResult, metric: MetricInfo, results: Results): Html {
  const result = method.metrics[metric.name];
  if (!result) return html`<td class="number"><span title="not measured">–</span></td>`;
  const measured = measuredBy(results, metric);
  const best = hasBest(measured, metric) && bestOf(measured, metric).some(one => one.method === method);
  const mean = best
    ? html`<b><span role="img" aria-label="best">★</span> ${decimal(result.mean, metric)}</b>`
    : html`${decimal(result.mean, metric)}`;
  return html`<td class="number" data-value="${result.mean}">${mean}${interval(range(result, metric), results)}</td>`;
}

/** Below the methods, and never sorted among them. */
function ownTexts({ metrics, ownTexts, users }: Results): Html {
  if (metrics.every(({ name }) => ownTexts[name] === undefined)) return NOTHING;
  const cells = metrics.map(metric => {
    const own = ownTexts[metric.name];
    if (!own) return html`<td class="number">–</td>`;
    return html`<td class="number">${decimal(own.mean, metric)}${interval(range(own, metric), { users })}</td>`;
  });
  return html`<tfoot><tr><th scope="row" class="text">${OWN_TEXTS}<small>measured as a method’s are</small></th>${cells}</tr></tfoot>\n`;
}

function interval(text: string, { users }: Pick<Results, 'users'>): Html {
  return hasInterval(users.length) ? html`<small>${text}</small>` : NOTHING;
}

function metricChart(results: Results, metric: MetricInfo): Html[] {
  const users = results.users.length;
  const own = results.ownTexts[metric.name];
  const values = [
    ...measuredBy(results, metric).map(({ method, result }) => ({ category: method.title, estimate: result })),
    ...(own ? [{ category: OWN_TEXTS, estimate: own }] : []),
  ].map(({ category, estimate }) => ({ category, value: estimate.mean, ...intervalOf(estimate, users) }));
  if (values.length === 0) return [];
  const svg = dotChart({
    value: { label: `${metric.title} (${metric.better} is better)` },
    series: [{ name: metric.title, values }],
    width: CHART_WIDTH,
  });
  return [figure(metric.title, svg)];
}
