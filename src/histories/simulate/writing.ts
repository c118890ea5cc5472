/** How one thing is put into one line: the dimensions of a way of writing, and the line that follows from them. */
import { invariant } from '../../common/errors.ts';

export const DIMENSIONS = ['case', 'tense', 'head', 'end', 'emoji', 'mark', 'build', 'words', 'article'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** A way of writing, each dimension by one of its values; the values are words a person can read. */
export type Way = Readonly<Record<Dimension, string>>;

/** What each dimension can be; first what the shared way of writing keeps to, where it keeps to anything. */
export type Values = Readonly<Record<Dimension, readonly string[]>>;

/** Dimensions whose values are the same for every kind of text. */
export const COMMON_VALUES = {
  case: ['sentence', 'lower', 'title', 'upper'],
  end: ['none', '.', '!', '...'],
  emoji: ['none', 'first', 'last'],
  build: ['bare', 'place', 'reason', 'place and reason', 'place first', 'reason first', 'object first'],
  article: ['the', 'none'],
} as const;

/** What is to be said, in pieces; drawn before and without regard to who says it. */
export interface Message {
  /** Who did it; null where the writer did. */
  readonly who: string | null;
  /** One verb for each value of `words`, in its forms "fix fixed fixes fixing". */
  readonly verbs: readonly string[];
  readonly object: string;
  readonly place: string;
  /** Names of towns take no article. */
  readonly placeTakesArticle: boolean;
  readonly reason: string;
  /** What kind of thing it is, such as "fix" or "transport". */
  readonly label: string;
  readonly emoji: string;
}

/** What comes before and after everything else, such as a ticket; at most one of the two. */
export interface Mark {
  readonly first?: string;
  readonly last?: string;
}

/** The line for a message in a way of writing. `verbForm` gives the verb its tense from its four forms. */
export function writeLine(
  message: Message,
  way: Way,
  words: readonly string[],
  verbForm: (forms: readonly string[], tense: string) => string,
  mark: Mark,
): string {
  const { label, place, emoji } = message;
  const forms = message.verbs[words.indexOf(way.words)]!.split(' ');
  const body = inCase(sentence(message, way, verbForm(forms, way.tense)), way.case);
  const end = way.end === 'none' ? '' : way.end;
  const pieces = [
    way.emoji === 'first' ? emoji : '',
    mark.first ?? '',
    headOf(way.head, label, place),
    body + end,
    mark.last ?? '',
    way.emoji === 'last' ? emoji : '',
  ];
  return pieces.filter(piece => piece !== '').join(' ');
}

function headOf(head: string, label: string, place: string): string {
  switch (head) {
    case 'none':
      return '';
    case 'label:':
      return `${label}:`;
    case 'label(place):':
      return `${label}(${place}):`;
    case '[place]':
      return `[${place}]`;
    case 'place |':
      return `${place} |`;
    case 'LABEL -':
      return `${label.toUpperCase()} -`;
  }
  invariant(false, `there is no head ${head}`);
}

function sentence({ who, object, place, placeTakesArticle, reason }: Message, way: Way, verb: string): string {
  const the = way.article === 'the' ? 'the ' : '';
  const doing = who === null ? verb : `${the}${who} ${verb}`;
  const inPlace = `in ${placeTakesArticle ? the : ''}${place}`;
  switch (way.build) {
    case 'bare':
      return `${doing} ${the}${object}`;
    case 'place':
      return `${doing} ${the}${object} ${inPlace}`;
    case 'reason':
      return `${doing} ${the}${object} ${reason}`;
    case 'place and reason':
      return `${doing} ${the}${object} ${inPlace} ${reason}`;
    case 'place first':
      return `${inPlace}, ${doing} ${the}${object}`;
    case 'reason first':
      return `${reason}, ${doing} ${the}${object}`;
    case 'object first':
      return `${the}${object}: ${doing} ${inPlace}`;
  }
  invariant(false, `there is no build ${way.build}`);
}

function inCase(text: string, name: string): string {
  switch (name) {
    case 'sentence':
      return text.charAt(0).toUpperCase() + text.slice(1);
    case 'lower':
      return text.toLowerCase();
    case 'upper':
      return text.toUpperCase();
    case 'title':
      return text.replace(/(^| )\p{L}/gu, letter => letter.toUpperCase());
  }
  invariant(false, `there is no case ${name}`);
}
