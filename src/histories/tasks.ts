/**
 * The tasks of LaMP and LongLaMP: what their profile items hold, how their queries are worded, what their evaluation
 * fixes, and where their files are.
 */
import { IdiolectError } from '../common/errors.ts';
import type { TemplateName } from './templates.ts';

/** An item of a user's profile as the files have it. */
export type ProfileItem = Record<string, unknown>;

/** Named as the functions that compute them. */
export type MetricName = 'accuracy' | 'macroF1' | 'mae' | 'rmse' | 'rouge1' | 'rougeL' | 'meteor';

interface TaskBase {
  name: string;
  /** The name in the layout of OPPU and CoPe. */
  oppuName: string;
  /**
   * The instruction every query of the task opens with. Its exact words are taken from the file at hand, because they
   * differ between releases of the benchmarks (the list of tags, for one).
   */
  opening: RegExp;
  metrics: readonly MetricName[];
  /** The longest answer, in tokens. */
  maxNewTokens: 100 | 600;
  /**
   * The folder at LaMP's server, or the configuration of LongLaMP's data set without `_user` or `_temporal`. LaMP-6 has
   * none: its e-mails come from a licensed corpus, and what is public are their numbers.
   */
  files?: { lamp: string } | { longLamp: string };
}

/** A task whose profiles are pairs of input and output, as its queries are. */
export interface BenchmarkTask extends TaskBase {
  /** The profile fields that `subject` reads. */
  inputs: readonly string[];
  /** What stands after the opening, from the values of `inputs`. */
  subject: (...values: string[]) => string;
  /** The profile field that holds what the user wrote. */
  output: string;
}

/** A task whose profiles hold no pairs to train on, and why. */
interface TaskWithoutPairs extends TaskBase {
  noPairs: string;
}

const only = (text: string) => text;

const ROUGE = ['rouge1', 'rougeL'] as const;
const LABELS = { metrics: ['accuracy', 'macroF1'], maxNewTokens: 100 } as const;
const SHORT = { metrics: ROUGE, maxNewTokens: 100 } as const;
const LONG = { metrics: [...ROUGE, 'meteor'], maxNewTokens: 600 } as const;

const TASKS: readonly (BenchmarkTask | TaskWithoutPairs)[] = [
  {
    name: 'LaMP-1',
    oppuName: 'citation',
    opening: /^For an author who has written the paper with the title /,
    noPairs: "LaMP-1 asks which of two papers to cite, but a profile lists the author's papers without such choices",
    metrics: ['accuracy'],
    maxNewTokens: 100,
    files: { lamp: 'LaMP_1' },
  },
  {
    name: 'LaMP-2M',
    oppuName: 'movie_tagging',
    opening: /^Which tag does this movie relate to .*? description: /s,
    inputs: ['description'],
    subject: only,
    output: 'tag',
    ...LABELS,
    files: { lamp: 'LaMP_2/new' },
  },
  {
    name: 'LaMP-2N',
    oppuName: 'news_categorize',
    opening: /^Which category does this article relate to .*? article: /s,
    inputs: ['text'],
    subject: only,
    output: 'category',
    ...LABELS,
    files: { lamp: 'LaMP_2' },
  },
  {
    name: 'LaMP-3',
    oppuName: 'product_rating',
    opening: /^What is the score of the following review on a scale of 1 to 5\?.*? review: /s,
    inputs: ['text'],
    subject: only,
    output: 'score',
    metrics: ['mae', 'rmse'],
    maxNewTokens: 100,
    files: { lamp: 'LaMP_3' },
  },
  {
    name: 'LaMP-4',
    oppuName: 'news_headline',
    opening: /^Generate a headline for the following article: /,
    inputs: ['text'],
    subject: only,
    output: 'title',
    ...SHORT,
    files: { lamp: 'LaMP_4' },
  },
  {
    name: 'LaMP-5',
    oppuName: 'scholarly_title',
    opening: /^Generate a title for the following abstract of a paper: /,
    inputs: ['abstract'],
    subject: only,
    output: 'title',
    ...SHORT,
    files: { lamp: 'LaMP_5' },
  },
  {
    name: 'LaMP-6',
    oppuName: 'email_subject',
    opening: /^Generate a subject for the following email: /,
    inputs: ['text'],
    subject: only,
    output: 'title',
    ...SHORT,
  },
  {
    name: 'LaMP-7',
    oppuName: 'tweet_paraphrase',
    opening: /^Paraphrase the following tweet/,
    noPairs: 'LaMP-7 asks to paraphrase a text, but a profile holds tweets without the text each would paraphrase',
    ...SHORT,
    files: { lamp: 'LaMP_7' },
  },
  {
    // A query goes on with `using the following items: ...`, which no profile item has: the one task where the two
    // cannot be worded quite alike.
    name: 'abstract generation',
    oppuName: 'abstract_generation',
    opening: /^Generate an abstract for the title /,
    inputs: ['title'],
    subject: title => `"${title}"`,
    output: 'abstract',
    ...LONG,
    files: { longLamp: 'abstract_generation' },
  },
  {
    name: 'review writing',
    oppuName: 'review_writing',
    opening: /^Generate the review text written by a reviewer who has (?:a )?given an overall rating of /,
    inputs: ['overall', 'description', 'summary'],
    subject: (overall, description, summary) =>
      `"${ratingText(overall!)}" for a product with description "${description}". ` +
      `The summary of the review text is "${summary}".`,
    output: 'reviewText',
    ...LONG,
    files: { longLamp: 'product_review' },
  },
  {
    name: 'topic writing',
    oppuName: 'topic_writing',
    opening: /^Generate the content for a reddit post /i,
    inputs: ['summary'],
    subject: only,
    output: 'content',
    ...LONG,
    files: { longLamp: 'topic_writing' },
  },
];

/** Queries write a rating of 5 as "5.0"; a profile item that holds the number 5 must come out the same. */
function ratingText(overall: string): string {
  return /^\d$/.test(overall) ? `${overall}.0` : overall;
}

/** How a task is written by anyone: LaMP-5, lamp_5, LaMP5. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

const namesOf = ({ name, oppuName, files }: TaskBase) =>
  files && 'longLamp' in files ? [name, oppuName, files.longLamp] : [name, oppuName];

/**
 * The task by its name: LaMP's (LaMP-4), OPPU's (news_headline) or LongLaMP's (product_review), however spelled.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function namedTask(name: string): BenchmarkTask | TaskWithoutPairs {
  const task = TASKS.find(task => namesOf(task).some(known => plain(known) === plain(name)));
  if (task) return task;
  throw new IdiolectError('CONFIG', `there is no task "${name}". Known: ${known()}.`);
}

/**
 * The task by its name, or else by the words of a query, where its profiles are to be trained on.
 *
 * @param source the file, for errors.
 * @throws IdiolectError DATA for LaMP-1 and LaMP-7, whose profiles hold no pairs of input and output to learn from,
 *   and for words of no known task; CONFIG for an unknown name.
 */
export function findTask(source: string, name: string | undefined, query: string): BenchmarkTask {
  const task = name ? namedTask(name) : TASKS.find(({ opening }) => opening.test(query));
  if (!task) {
    const start = JSON.stringify(query.slice(0, 60));
    throw new IdiolectError('DATA', `${source}: no known task words its queries like ${start}. Known: ${known()}.`);
  }
  if (!('noPairs' in task)) return task;
  throw new IdiolectError('DATA', `${source}: ${task.noPairs}: there are no pairs to train on.`);
}

function known(): string {
  return TASKS.map(({ name, oppuName }) => `${name} (${oppuName})`).join(', ');
}

/** What a task's evaluation fixes, in the paper and in the public code of its baselines. */
export interface TaskPreset {
  /** Imported records carry the benchmark's own instruction. */
  readonly template: TemplateName;
  readonly metrics: readonly MetricName[];
  /** Tokens of an answer, decoded greedily. */
  readonly maxNewTokens: number;
  /** Words that are kept of each text of a profile. */
  readonly maxWords: number;
  /** Tokens of prompt and completion together. */
  readonly maxLength: number;
}

/**
 * The settings `--task NAME` stands for.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function taskPreset(name: string): TaskPreset {
  const { metrics, maxNewTokens } = namedTask(name);
  return { template: 'plain', metrics, maxNewTokens, maxWords: 768, maxLength: 2048 };
}
