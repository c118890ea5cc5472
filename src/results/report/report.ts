/**
 * The report of `idiolect compare`: one HTML file that works from a disk, on a phone, in the dark and on paper. It asks
 * nothing of a network, and its content policy forbids it to: only the style and the script written here are let run.
 */
import { createHash } from 'node:crypto';
import { IdiolectError } from '../../common/errors.ts';
import { costsSection, notesSection, searchSection, settingsSection } from './background.ts';
import { differencesSection } from './differences.ts';
import { headline } from './headline.ts';
import { Html, html, type Section } from './html.ts';
import type { ReportInput } from './input.ts';
import { scoresSection } from './scores.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';
import { textsSection } from './texts.ts';
import { groupsSection, overlapSection } from './users.ts';

/**
 * The whole page. The same input gives the same bytes.
 *
 * @throws IdiolectError DATA where there is no method, metric or user, or methods have not answered the same queries
 */
export function reportHtml(input: ReportInput): string {
  const { results, title } = input;
  for (const what of ['methods', 'metrics', 'users'] as const) {
    if (results[what].length > 0) continue;
    throw new IdiolectError('DATA', `the results hold no ${what}; a report needs at least one. Measure answers first.`);
  }
  const sections = [
    scoresSection(results),
    differencesSection(results),
    ...groupsSection(results),
    ...overlapSection(input.users),
    textsSection(input),
    ...searchSection(input),
    ...costsSection(input),
    ...settingsSection(input),
    notesSection(input),
  ];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${top(input)}
${contents(sections)}
${sections.map(section)}
</main>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function top({ title, facts, results }: ReportInput): Html {
  const [first = '', ...others] = headline(results);
  const list = facts.map(({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`);
  return html`<header>
<h1>${title}</h1>
<dl class="facts">${list}</dl>
<div class="headline"><h2 class="quiet">In short</h2><p class="lede">${unbroken(first)}</p>${others.map(text => html`<p>${unbroken(text)}</p>`)}</div>
</header>`;
}

/** Names such as ROUGE-L and `p = 0.03` stay on one line. */
function unbroken(sentence: string): Html[] {
  return sentence
    .replace(/ ([=<]) /g, '\u00a0$1\u00a0')
    .split(/(?<= )/)
    .map(word =>
      /^.{0,20}-.{0,20}$/.test(word) ? html`<span class="whole">${word.trimEnd()}</span> ` : html`${word}`,
    );
}

function contents(sections: readonly Section[]): Html {
  const links = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`);
  return html`<nav aria-label="Contents"><ul>${links}</ul></nav>`;
}

function section({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${body}</section>\n`;
}

/** What a content policy names an inline style or script by. */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
