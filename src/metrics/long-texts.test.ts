/**
 * What reads users' texts takes time with their length, not with its square: each runs on texts of 100,000 characters
 * made to be hard for it. What grows with the square takes minutes there, what grows with the length milliseconds.
 */
import { describe, expect, it } from 'vitest';
import { cpuTimeOf } from '../../tests/support/cpu-time.ts';
import { capWords, taskLabels, withoutInstruction } from '../histories/index.ts';
import { readVerdict } from '../jobs/compare/judge/judge-question.ts';
import { ngramVector, shapeOf } from '../overlap/ngrams.ts';
import { markdownTable, markdownText } from '../results/markdown-table.ts';
import { ratingError } from '../results/pooled-metrics.ts';
import { html } from '../results/report/html.ts';
import { sentenceBleu } from './bleu.ts';
import { sentenceChrf } from './chrf.ts';
import { isNonLatin } from './letters.ts';
import { meteor } from './meteor.ts';
import { porterStem } from './porter-stemmer.ts';
import { rouge } from './rouge.ts';
import { wordTokens } from './word-tokens.ts';

const LENGTH = 100_000;

/** Of processor time, whatever else runs; most take a hundredth of it, the slowest a sixth. */
const SECONDS = 3;

const full = (unit: string) => unit.repeat(Math.floor(LENGTH / unit.length));

const TEXTS: readonly (readonly [what: string, text: string])[] = [
  ['spaces after a stop', `a.${full(' ')}x`],
  ['marks after a stop', `a.${full("'")}x`],
  ['marks and spaces after a stop', `a.${full(") '")}x`],
  ['stops and spaces', `${full('a. ')}x`],
  ['stops alone', full('.')],
  ['spaces alone', full(' ')],
  ['line breaks', `a${full(' \n')}b`],
  ['one word', full('a')],
  ['one word repeated', full('a ')],
  ['words of one letter, all in turn', full('a b c d e f g h i j k l m n o p q r s t u v w x y z ')],
  ['different words', Array.from({ length: LENGTH / 7 }, (_, i) => `w${i}`).join(' ')],
  ['apostrophes', full("'")],
  ['apostrophes and letters', full("'s n't ")],
  ['quotes', full('"`')],
  ['dashes and line breaks', full('-\n')],
  ['suffixes to strip', full('alli')],
  ['y after y', full('y')],
  ['digits', `${full('1')}x`],
  ['digits with a stop', `1.${full('1')}x`],
  ['the beginning of a list', full(': [')],
  ['the beginning of an instruction', `Which tag does this movie relate to ${full('description')}`],
  ['the beginning of a verdict', full('verdict ')],
  ['a verdict and spaces', `verdict${full(' ')}x`],
  ['the beginning of a thought', full('<think>')],
  ['entities', full('&amp;lt;')],
  ['emoji', full('👩‍💻')],
  ['halves of emoji', full('\ud83d')],
  ['Chinese', full('我')],
  ['marks that combine', `a${full('\u0301')}`],
  ['pipes and backslashes', full('\\|')],
];

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  wordTokens,
  meteor: text => meteor(wordTokens(text), wordTokens(text)),
  'meteor, nothing in common': text => meteor(wordTokens(text), ['something', 'else']),
  rouge: text => rouge(text, text),
  sentenceBleu: text => sentenceBleu(text, text),
  sentenceChrf: text => sentenceChrf(text, text, { wordOrder: 2 }),
  porterStem,
  isNonLatin,
  ngramVector,
  shapeOf,
  ratingError: text => ratingError({ key: 'k', input: '', reference: '3', text, logProb: -1, tokens: 1 }),
  readVerdict,
  taskLabels: text => taskLabels('LaMP-2M', text),
  withoutInstruction: text => withoutInstruction('LaMP-2M', text),
  capWords: text => capWords(text, 768),
  markdownText,
  markdownTable: text => markdownTable(['a', 'b'], [[text, text]]),
  html: text => html`<p>${text}</p>`,
};

describe.each(Object.entries(READERS))('%s', (_, read) => {
  it('reads long texts of every kind in time', async () => {
    for (const [what, text] of TEXTS) {
      const { seconds } = await cpuTimeOf(() => read(text));
      expect(seconds, what).toBeLessThan(SECONDS);
    }
  });
});
