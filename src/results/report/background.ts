/** How the numbers came about: the search of hyper-parameters, costs, configuration, and what each method and metric is. */

import { exactDuration } from '../../common/duration.ts';
import { decimal } from '../numbers.ts';
import type { Results } from '../results.ts';
import { counted, folded, type Html, html, NOTHING, type Section, table } from './html.ts';
import type { ReportInput } from './input.ts';

/** Absent where nothing was searched. */
export function searchSection({ search, searchNote }: ReportInput): Section[] {
  if (search.length === 0) return [];
  const rows = search.map(({ method, settings, score, likelihood, chosen }) => [
    method,
    settings,
    likelihood === undefined
      ? decimal(score)
      : html`${decimal(score)}<small>a tie; log-likelihood ${decimal(likelihood)}</small>`,
    chosen ? html`<b>✓ chosen</b>` : NOTHING,
  ]);
  const tries = table({
    caption: 'Every try of the search',
    heads: [{ text: 'method' }, { text: 'settings' }, { text: 'score', number: true }, { text: '' }],
    rows,
  });
  return [
    {
      id: 'search',
      title: 'Search of hyper-parameters',
      body: [html`<p>${searchNote}</p>\n`, folded(`All tries (${search.length})`, tries)],
    },
  ];
}

export function costsSection({ costs }: ReportInput): Section[] {
  if (costs.length === 0) return [];
  const total = costs.reduce((sum, { seconds }) => sum + seconds, 0);
  const caption = `Time by stage, ${exactDuration(total)} in all`;
  const heads = [{ text: 'stage' }, { text: 'time', number: true }, { text: 'what' }];
  const rows = costs.map(({ stage, seconds, detail }) => [stage, exactDuration(seconds), detail]);
  return [{ id: 'costs', title: 'Costs', body: [table({ caption, heads, rows })] }];
}

export function settingsSection({ settings }: ReportInput): Section[] {
  if (settings.length === 0) return [];
  const rows = settings.map(({ name, value, origin }) => [
    html`<code>${name}</code>`,
    html`<code>${value}</code>`,
    origin,
  ]);
  const all = table({
    caption: 'Every setting with where it came from',
    heads: [{ text: 'setting' }, { text: 'value' }, { text: 'from' }],
    rows,
  });
  const title = 'Configuration';
  return [{ id: 'configuration', title, body: [folded(`All settings (${settings.length})`, all)] }];
}

export function notesSection({ notes, results }: ReportInput): Section {
  const caveats = notes.length > 0 ? [html`<ul>${notes.map(note => html`<li>${note}</li>\n`)}</ul>\n`] : [];
  return {
    id: 'notes',
    title: 'Notes',
    body: [
      ...caveats,
      html`<h3>The methods</h3>\n${methodList(results)}<h3>The metrics</h3>\n${metricList(results)}`,
      html`<h3>The intervals</h3>\n<p>95% percentile bootstrap over ${counted(results.users.length, 'user')}: how far a mean could move with other users of the same kind. It does not cover another training seed, other queries or another model. P-values are of the paired randomisation test.</p>\n`,
    ],
  };
}

function methodList({ methods }: Results): Html {
  const items = methods.map(
    ({ title, description }, place) => html`<dt id="method-${place + 1}">${title}</dt><dd>${description}</dd>\n`,
  );
  return html`<dl class="notes">${items}</dl>\n`;
}

function metricList({ metrics, notMeasured }: Results): Html {
  const items = metrics.map(
    ({ title, better, note }) => html`<dt>${title} <small>${better} is better</small></dt><dd>${note}</dd>\n`,
  );
  const missing = notMeasured.map(({ metric, reason }) => html`<dt>${metric}</dt><dd>Not measured: ${reason}.</dd>\n`);
  return html`<dl class="notes">${items}${missing}</dl>\n`;
}
