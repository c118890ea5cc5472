/** Task prompts: how a record's input becomes what the model reads, the same in training and in evaluation. */
import { IdiolectError } from '../common/errors.ts';
import type { HistoryRecord } from './record.ts';

/**
 * The built-in templates. None ends in a space: tokenizers join a space to the word that follows it, so a prompt that
 * ends in one gives the completion another first token than it has in ordinary text.
 * Records imported from LaMP and OPPU carry the benchmark's own instruction in their input: use `plain` for those.
 */
export const TEMPLATES = {
  plain: '{input}',
  'commit-subject': 'Write the subject line of the commit that makes these changes.\n\n{input}\n\nSubject:',
  headline: 'Generate a headline for the following article: {input}',
  'scholarly-title': 'Generate a title for the following abstract of a paper: {input}',
  'email-subject': 'Generate a subject for the following email: {input}',
  abstract: 'Generate an abstract for the title "{input}"',
  'topic-post': 'Generate the content for a reddit post {input}',
  paraphrase: 'Paraphrase the following tweet without any explanation before or after it: {input}',
} as const satisfies Record<string, string>;

export type TemplateName = keyof typeof TEMPLATES;

/**
 * The text of a template: a built-in one by its name, or any text that holds `{input}`.
 *
 * @throws IdiolectError CONFIG for an unknown name, and for a placeholder that would put anything but the input into
 *   the prompt ({output} would give the answer away).
 */
export function templateText(template: string): string {
  const text = Object.hasOwn(TEMPLATES, template) ? TEMPLATES[template as TemplateName] : template;
  const foreign = /\{(?:user|output|id|time|label|weight|split)\}/.exec(text)?.[0];
  if (foreign) throw new IdiolectError('CONFIG', `the template holds ${foreign}; a template may contain {input} only.`);
  if (text.includes('{input}')) return text;
  const names = Object.keys(TEMPLATES).join(', ');
  throw new IdiolectError('CONFIG', `"${template}" is neither a template (${names}) nor a text that holds {input}.`);
}

/**
 * The prompt for a record. There is one function for training and queries alike, so that the two cannot drift apart.
 *
 * @throws IdiolectError CONFIG as `templateText` does.
 */
export function renderPrompt(template: string, { input }: Pick<HistoryRecord, 'input'>): string {
  // split/join, since replaceAll would read "$&" in the input as an instruction.
  return templateText(template).split('{input}').join(input);
}

/**
 * The first `count` words, where a word is a run of visible characters. A text within the limit is returned as it is;
 * a longer one keeps its own spacing up to the cut (OPPU's code joins the words by single spaces instead).
 */
export function capWords(text: string, count: number): string {
  const word = /\S+/g;
  let end = 0;
  for (let words = 0; words < count; words++) {
    if (!word.exec(text)) return text;
    end = word.lastIndex;
  }
  return word.exec(text) ? text.slice(0, end) : text;
}
