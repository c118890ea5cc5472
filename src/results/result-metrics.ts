/** The metrics of a comparison: which are measured, what each is called and can see, and how its value is found. */
import { counted } from '../common/counted.ts';
import { printable } from '../common/printable.ts';
import { random } from '../common/random.ts';
import type { MetricName } from '../histories/index.ts';
import { attribute, trainAttributor } from '../metrics/attribution.ts';
import { sentenceBleu } from '../metrics/bleu.ts';
import { sentenceChrf } from '../metrics/chrf.ts';
import { countNonLatin } from '../metrics/letters.ts';
import { meteor } from '../metrics/meteor.ts';
import { type RougeScores, rouge } from '../metrics/rouge.ts';
import { compareStyle } from '../metrics/style-distance.ts';
import { wordTokens } from '../metrics/word-tokens.ts';
import type { Answer } from './answer.ts';
import { type PooledMeasure, pooledMacroF1, pooledRmse, ratingError } from './pooled-metrics.ts';
import type { MetricInfo, ResultMetric, Results, ResultsInput } from './results.ts';

/** The value of one user, or one over all: the answers of each user go in. */
type Measure =
  | { readonly ofUser: (answers: readonly Answer[], user: string) => number }
  | { readonly pooled: (users: readonly (readonly Answer[])[]) => PooledMeasure };

export interface Metric {
  readonly info: MetricInfo;
  readonly measure: Measure;
}

const INFO: Readonly<Record<ResultMetric, Omit<MetricInfo, 'name'>>> = {
  rouge1: {
    title: 'ROUGE-1',
    better: 'higher',
    note: 'F1 of the words shared with what the user wrote, as rouge_score counts them; cases, punctuation and other scripts than a-z do not count.',
  },
  rouge2: {
    title: 'ROUGE-2',
    better: 'higher',
    note: 'the same of pairs of words in a row; 0 for a text of one word.',
  },
  rougeL: {
    title: 'ROUGE-L',
    better: 'higher',
    note: 'F1 of the longest sequence of words in common, over the whole text.',
  },
  meteor: {
    title: 'METEOR',
    better: 'higher',
    note: 'words joined by form and stem, recall weighing nine times precision, less for words out of order.',
  },
  chrf: {
    title: 'chrF',
    better: 'higher',
    note: "F of the runs of up to six characters shared with what the user wrote, 0 to 100, recall before precision, in any script; the mean of sacrebleu's chrF of single texts, not corpus chrF.",
  },
  bleu: {
    title: 'BLEU',
    better: 'higher',
    note: "the mean of sacrebleu's BLEU of single texts, 0 to 100; not corpus BLEU, and coarse for short texts.",
  },
  exactMatch: {
    title: 'exact match',
    better: 'higher',
    note: 'share of texts that are the very text the user wrote, white space at the ends aside.',
  },
  logLikelihood: {
    title: 'log-likelihood',
    better: 'higher',
    note: "nats a token of the user's own text given the method's prompt, over all tokens of the user, by the adapter alone where decoding is contrastive (CoPe); says nothing of what the method would write itself.",
  },
  style: {
    title: 'style distance',
    better: 'lower',
    note: "how far the way of writing is from the user's earlier texts, 0 to 1; above 0 for the user's own texts too, and topic counts a little.",
  },
  attribution: {
    title: 'attribution',
    better: 'higher',
    note: "share of texts that a classifier trained on the users' earlier texts gives to their user; it sees topic as well as style.",
  },
  accuracy: {
    title: 'accuracy',
    better: 'higher',
    note: 'share of right labels, white space at the ends aside.',
  },
  macroF1: {
    title: 'macro F1',
    better: 'higher',
    note: "mean F1 of the labels over the answers of all users together; an answer that is no label of the task counts as one with F1 0, where LaMP's evaluation averages over the task's fixed list.",
  },
  mae: {
    title: 'MAE',
    better: 'lower',
    note: "mean error of the ratings; an answer that is no number counts as the rating farthest from the user's, as in LaMP's evaluation.",
  },
  rmse: {
    title: 'RMSE',
    better: 'lower',
    note: 'root of the mean squared error over the answers of all users together, large errors weighing more; answers that are no number as for MAE.',
  },
};

/** What is measured of free text beside the metrics of the task. */
const OF_TEXTS = ['rouge2', 'bleu', 'exactMatch', 'logLikelihood', 'style', 'attribution'] as const;

/** Whether a metric compares texts, and not labels or ratings. */
export function isOfTexts(metric: MetricName): boolean {
  return ['rouge1', 'rougeL', 'meteor', 'chrf'].includes(metric);
}

/** Metrics that see a-z and 0-9 alone. */
const OF_LATIN: readonly ResultMetric[] = ['rouge1', 'rouge2', 'rougeL'];

/**
 * The metrics of a comparison in the order of the tables: those of the task, then, for tasks of free text, what every
 * set of texts has; for labels and ratings the log-likelihood alone.
 *
 * @param users those who are evaluated, each with a history
 */
export function chooseMetrics(
  input: ResultsInput,
  users: readonly string[],
): { readonly metrics: readonly Metric[]; readonly notMeasured: Results['notMeasured'] } {
  const others = input.metrics.some(isOfTexts) ? OF_TEXTS : (['logLikelihood'] as const);
  const names: readonly ResultMetric[] = [...new Set<ResultMetric>([...input.metrics, ...others])];
  const notMeasured = names.flatMap(metric => {
    const reason = whyNot(metric, input.histories, users);
    return reason ? [{ metric, reason }] : [];
  });
  const chosen = names.filter(name => notMeasured.every(({ metric }) => metric !== name));
  const measures = measuresOf(input, users);
  return {
    metrics: chosen.map(name => ({ info: infoOf(name, input, users.length), measure: measures[name]() })),
    notMeasured,
  };
}

function whyNot(
  metric: ResultMetric,
  histories: ResultsInput['histories'],
  users: readonly string[],
): string | undefined {
  const fewer = (texts: number) => users.find(user => histories.get(user)!.length < texts);
  if (metric === 'style') {
    const user = fewer(2);
    return user === undefined
      ? undefined
      : `it needs two earlier texts of each user, and "${printable(user)}" has fewer`;
  }
  if (metric === 'attribution') {
    if (users.length < 2) return 'it needs two users';
    const user = fewer(1);
    return user === undefined ? undefined : `it needs an earlier text of each user, and "${printable(user)}" has none`;
  }
}

function infoOf(name: ResultMetric, { synonyms, methods }: ResultsInput, users: number): MetricInfo {
  const info = { name, ...INFO[name] };
  if (OF_LATIN.includes(name)) {
    const references = [...methods[0]!.users.values()].flatMap(answers => answers.map(({ reference }) => reference));
    const { nonLatin, texts } = countNonLatin(references);
    const unseen = `${nonLatin} of ${counted(texts, 'text')} that the users wrote ${nonLatin === 1 ? 'is' : 'are'} mostly in letters it does not see`;
    if (nonLatin === 0) return info;
    if (2 * nonLatin <= texts) return { ...info, note: `${info.note} Here ${unseen}.` };
    return { ...info, remark: `rests on digits and a-z alone: ${unseen}` };
  }
  if (name === 'meteor') {
    const which = synonyms
      ? "NLTK's, with WordNet"
      : "without WordNet's synonyms, so that it is lower than NLTK's score";
    return { ...info, note: `${info.note} It is ${which}.` };
  }
  if (name === 'attribution') return { ...info, note: `${info.note} Guessing reaches ${(1 / users).toFixed(3)}.` };
  return info;
}

/** How each is found, made when asked for: the classifier of attribution takes its time. */
function measuresOf(
  { histories, synonyms, seed }: ResultsInput,
  users: readonly string[],
): Readonly<Record<ResultMetric, () => Measure>> {
  const scores = new Map<Answer, RougeScores>(); // three metrics of one computation
  const rougeOf = (answer: Answer) => {
    const found = scores.get(answer) ?? rouge(answer.text, answer.reference);
    scores.set(answer, found);
    return found;
  };
  return {
    rouge1: () => meanOver(answer => rougeOf(answer).rouge1.f1),
    rouge2: () => meanOver(answer => rougeOf(answer).rouge2.f1),
    rougeL: () => meanOver(answer => rougeOf(answer).rougeL.f1),
    chrf: () => meanOver(({ text, reference }) => sentenceChrf(text, reference)),
    bleu: () => meanOver(({ text, reference }) => sentenceBleu(text, reference)),
    meteor: () => meanOver(({ text, reference }) => meteor(wordTokens(text), wordTokens(reference), synonyms)),
    exactMatch: () => meanOver(isSame),
    accuracy: () => meanOver(isSame),
    mae: () => meanOver(answer => Math.abs(ratingError(answer))),
    rmse: () => ({ pooled: pooledRmse }),
    macroF1: () => ({ pooled: pooledMacroF1 }),
    logLikelihood: () => ({
      ofUser: answers => total(answers.map(({ logProb }) => logProb)) / total(answers.map(({ tokens }) => tokens)),
    }),
    style: () => ({
      // The same divisions of the own texts for every method.
      ofUser: (answers, user) => {
        const texts = answers.map(({ text }) => text);
        return compareStyle(histories.get(user)!, texts, random(seed, `style of ${user}`)).distance;
      },
    }),
    attribution: () => {
      const attributor = trainAttributor(new Map(users.map(user => [user, histories.get(user)!])));
      return {
        ofUser: (answers, user) => {
          // An empty text would go to whoever writes the shortest ones.
          const texts = answers.filter(({ text }) => text.trim() !== '').map(({ text }) => ({ user, text }));
          if (texts.length === 0) return 0;
          return attribute(attributor, texts).ranks.filter(rank => rank === 1).length / answers.length;
        },
      };
    },
  };
}

function isSame({ text, reference }: Answer): number {
  return text.trim() === reference.trim() ? 1 : 0;
}

function meanOver(value: (answer: Answer) => number): Measure {
  return { ofUser: answers => total(answers.map(value)) / answers.length };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
