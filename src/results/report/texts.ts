/**
 * What users wrote and what each method wrote for the same query, side by side. The texts are data that the page's
 * script puts on the page as text; nothing in them is markup at any time.
 */

import { IdiolectError } from '../../common/errors.ts';
import { printable } from '../../common/printable.ts';
import { sentenceChrf } from '../../metrics/chrf.ts';
import { rouge } from '../../metrics/rouge.ts';
import type { MethodAnswers } from '../answer.ts';
import { decimal } from '../numbers.ts';
import { counted, Html, html, type Section } from './html.ts';
import type { ReportInput, ReportUser } from './input.ts';

/** What one page holds at most; all answers are in the run folder. */
const SHOWN = { users: 40, queries: 12 } as const;

/** What the script reads. */
export interface TextsData {
  /** What each answer is compared with what the user wrote by. */
  readonly measure: string;
  readonly methods: readonly { readonly title: string; readonly anchor: boolean }[];
  readonly users: readonly {
    readonly name: string;
    /** Such as `unique · estimated α 0.310`. */
    readonly about: string;
    readonly queries: readonly {
      readonly input: string;
      readonly reference: string;
      /** One a method, in their order. */
      readonly answers: readonly { readonly text: string; readonly score: number }[];
    }[];
  }[];
}

/** @throws IdiolectError DATA where a method has not answered what the first one has */
export function textsSection(input: ReportInput): Section {
  const data = textsData(input);
  const id = 'texts-data';
  return {
    id: 'texts',
    title: 'The texts side by side',
    body: [
      html`<p>${extent(data, input)} ${data.measure} here is that of the one text against what the user wrote: a hint, not a measure. The arrow keys go to the next and the previous query.</p>\n`,
      html`<noscript><p>This part needs the page’s own script, which is switched off.</p></noscript>
<div class="viewer" hidden>
<div class="controls">
<label>User <select id="texts-user"></select></label>
<label>Query <select id="texts-query"></select></label>
<span class="buttons"><button type="button" id="texts-previous">← Previous</button> <button type="button" id="texts-next">Next →</button></span>
</div>
<p class="about" id="texts-about" aria-live="polite"></p>
<div id="texts-view"></div>
</div>
<script type="application/json" id="${id}">${new Html(inertJson(data))}</script>\n`,
    ],
  };
}

/** JSON without `<`: no text in it can end the script element or open a comment in it. */
export function inertJson(data: unknown): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}

/** By characters where the results are: ROUGE sees nothing of the texts then. */
function measureOf({ metrics }: ReportInput['results']) {
  const rounded = (value: number, digits: number) => Number(value.toFixed(digits));
  return metrics[0]!.name === 'chrf'
    ? { name: 'chrF', of: (text: string, reference: string) => rounded(sentenceChrf(text, reference), 1) }
    : { name: 'ROUGE-L', of: (text: string, reference: string) => rounded(rouge(text, reference).rougeL.f1, 3) };
}

function textsData({ methods, results, users }: ReportInput): TextsData {
  const measure = measureOf(results);
  const about = new Map(users.map(user => [user.user, user]));
  const [first] = methods;
  const shown = results.users.filter(user => (first?.users.get(user) ?? []).length > 0).slice(0, SHOWN.users);
  return {
    measure: measure.name,
    methods: methods.map(({ name, title }) => ({ title, anchor: name === results.anchor })),
    users: shown.map(user => ({
      name: printable(user),
      about: aboutUser(about.get(user)),
      queries: first!.users
        .get(user)!
        .slice(0, SHOWN.queries)
        .map(({ key, input, reference }, place) => ({
          input,
          reference,
          answers: methods.map(method => {
            const { text } = answerTo(method, user, key, place);
            return { text, score: measure.of(text, reference) };
          }),
        })),
    })),
  };
}

function answerTo({ title, users }: MethodAnswers, user: string, key: string, place: number) {
  const answer = users.get(user)?.[place];
  if (answer?.key === key) return answer;
  throw new IdiolectError(
    'DATA',
    `query ${place + 1} of "${printable(user)}" is ${printable(key)} for the first method and ${printable(answer?.key ?? 'not answered')} for ${title}. ` +
      'Let every method answer the same queries in the same order.',
  );
}

function aboutUser(user: ReportUser | undefined): string {
  const parts = [
    ...(user?.group === undefined ? [] : [`uniqueness: ${user.group}`]),
    ...(user?.alpha === undefined ? [] : [`estimated overlap α ${decimal(user.alpha)}`]),
    ...(user?.trueAlpha === undefined ? [] : [`true α ${decimal(user.trueAlpha)}`]),
  ];
  return parts.join(' · ');
}

/** How much of all is on the page, and where the rest is. */
function extent({ users }: TextsData, { methods }: ReportInput): string {
  const all = [...(methods[0]?.users.values() ?? [])];
  const total = all.reduce((sum, answers) => sum + answers.length, 0);
  const shown = users.reduce((sum, { queries }) => sum + queries.length, 0);
  const rest = total - shown;
  if (rest === 0) {
    return `All ${counted(total, 'query')} of ${counted(all.length, 'user')} are here; the same texts are in targets/answers/ in the run folder.`;
  }
  return `${counted(shown, 'query')} of ${counted(users.length, 'user')} are here; ${rest.toLocaleString('en-US')} of ${counted(total, 'query')} and ${all.length - users.length} of ${counted(all.length, 'user')} were left out. All texts are in targets/answers/ in the run folder.`;
}
