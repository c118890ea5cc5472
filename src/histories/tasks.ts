/**
 * The tasks of LaMP and LongLaMP: what their profile items hold, how their queries are worded, what their evaluation
 * fixes, and where their files are.
 */
import { IdiolectError } from '../common/errors.ts';
import type { TemplateName } from './templates.ts';

/** An item of a user's profile as the files have it. */
export type ProfileItem = Record<string, unknown>;

/** What answers can be measured by, beside what is always measured of texts. */
export const METRIC_NAMES = ['rouge1', 'rougeL', 'chrf', 'meteor', 'accuracy', 'macroF1', 'mae', 'rmse'] as const;

export type MetricName = (typeof METRIC_NAMES)[number];

/** How an item of a profile becomes an input and an output. */
export interface ProfilePair {
  /** What the input opens with. Default: the words that the file's queries open with. */
  opening?: string;
  /** The profile fields that `subject` reads. */
  inputs: readonly string[];
  /** What comes after the opening, from the values of `inputs`. */
  subject: (...values: string[]) => string;
  /** The profile field that holds what the user wrote, or chose. */
  output: string;
}

export interface BenchmarkTask {
  name: string;
  /** The name in the layout of OPPU and CoPe. */
  oppuName: string;
  /**
   * The instruction every query of the task opens with. Its exact words are taken from the file at hand, because they
   * differ between releases of the benchmarks (the list of tags, for one).
   */
  opening: RegExp;
  /** How profiles are trained on. The first pair whose output an item has is made of it, else the last. */
  pairs: readonly [ProfilePair, ...ProfilePair[]];
  /** Where that is not what the queries ask for: one sentence on what it is. */
  unlikeQueries?: string;
  /** The answers that a query leaves to choose from, where it does. */
  labels?: (query: string) => readonly string[] | undefined;
  metrics: readonly MetricName[];
  /** The longest answer, in tokens. */
  maxNewTokens: 100 | 600;
  /**
   * The folder at LaMP's server, or the configuration of LongLaMP's data set without `_user` or `_temporal`. LaMP-6 has
   * none: its e-mails come from a licensed corpus, and what is public are their numbers.
   */
  files?: { lamp: string } | { longLamp: string };
}

/** The pair where the input is one field as it is, worded as the queries are. */
const as = (input: string, output: string): ProfilePair => ({ inputs: [input], subject: text => text, output });

/** The list in `tags: [sci-fi, comedy] description: `. */
function listed(query: string): string[] | undefined {
  const start = query.indexOf(': [') + 3;
  const end = query.indexOf(']', start);
  return start < 3 || end < 0 ? undefined : query.slice(start, end).split(', ');
}

const ROUGE = ['rouge1', 'rougeL'] as const;
const LABELS = { labels: listed, metrics: ['accuracy', 'macroF1'], maxNewTokens: 100 } as const;
const SHORT = { metrics: ROUGE, maxNewTokens: 100 } as const;
const LONG = { metrics: [...ROUGE, 'meteor'], maxNewTokens: 600 } as const;

/*
 * LaMP-1 and LaMP-7 ask for what no profile item shows, so adapters are trained on another task there, as others do:
 * - LaMP-1 asks which of two papers an author cites; a profile lists the author's own papers. LaMP's makers train
 *   per-user adapters to write a paper's abstract for its title (PEFT/data/datasets.py of LaMP-Benchmark/LaMP).
 *   OPPU's release adds to each item a paper that it cites, and trains on title to cited title (`OPPU_full` in its
 *   prompt/prompt.json); where an item has that field, so is done here.
 * - LaMP-7 asks to paraphrase a text; a profile holds tweets without the text each would paraphrase. OPPU trains on the
 *   tweet after a prompt that says no more than that a tweet follows (`tweet:`); so is done here. LaMP's makers have the
 *   tweet completed from its first tenth to quarter instead, cut at random.
 * The wordings are this project's.
 */
const TASKS: readonly BenchmarkTask[] = [
  {
    name: 'LaMP-1',
    oppuName: 'citation',
    opening: /^For an author who has written the paper with the title /,
    pairs: [
      {
        opening: 'Name a reference of the paper with the title ',
        inputs: ['title'],
        subject: title => `"${title}"`,
        output: 'citation',
      },
      {
        opening: 'Generate an abstract for the title ',
        inputs: ['title'],
        subject: title => `"${title}"`,
        output: 'abstract',
      },
    ],
    unlikeQueries:
      'profiles hold no choice between two references; trained on is the title of a paper to its abstract, ' +
      'or, where the files name one, to a paper it cites',
    labels: () => ['[1]', '[2]'],
    metrics: ['accuracy'],
    maxNewTokens: 100,
    files: { lamp: 'LaMP_1' },
  },
  {
    name: 'LaMP-2M',
    oppuName: 'movie_tagging',
    opening: /^Which tag does this movie relate to .*? description: /s,
    pairs: [as('description', 'tag')],
    ...LABELS,
    files: { lamp: 'LaMP_2/new' },
  },
  {
    name: 'LaMP-2N',
    oppuName: 'news_categorize',
    opening: /^Which category does this article relate to .*? article: /s,
    pairs: [as('text', 'category')],
    ...LABELS,
    files: { lamp: 'LaMP_2' },
  },
  {
    name: 'LaMP-3',
    oppuName: 'product_rating',
    opening: /^What is the score of the following review on a scale of 1 to 5\?.*? review: /s,
    pairs: [as('text', 'score')],
    labels: () => ['1', '2', '3', '4', '5'],
    metrics: ['mae', 'rmse'],
    maxNewTokens: 100,
    files: { lamp: 'LaMP_3' },
  },
  {
    name: 'LaMP-4',
    oppuName: 'news_headline',
    opening: /^Generate a headline for the following article: /,
    pairs: [as('text', 'title')],
    ...SHORT,
    files: { lamp: 'LaMP_4' },
  },
  {
    name: 'LaMP-5',
    oppuName: 'scholarly_title',
    opening: /^Generate a title for the following abstract of a paper: /,
    pairs: [as('abstract', 'title')],
    ...SHORT,
    files: { lamp: 'LaMP_5' },
  },
  {
    name: 'LaMP-6',
    oppuName: 'email_subject',
    opening: /^Generate a subject for the following email: /,
    pairs: [as('text', 'title')],
    ...SHORT,
  },
  {
    name: 'LaMP-7',
    oppuName: 'tweet_paraphrase',
    opening: /^Paraphrase the following tweet/,
    pairs: [{ opening: 'Write a tweet.', inputs: [], subject: () => '', output: 'text' }],
    unlikeQueries: 'profiles hold no text that a tweet paraphrases; trained on is the tweet alone',
    ...SHORT,
    files: { lamp: 'LaMP_7' },
  },
  {
    // A query continues with `using the following items: ...`, which no profile item has: the one task where the two
    // cannot be worded quite alike.
    name: 'abstract generation',
    oppuName: 'abstract_generation',
    opening: /^Generate an abstract for the title /,
    pairs: [{ inputs: ['title'], subject: title => `"${title}"`, output: 'abstract' }],
    ...LONG,
    files: { longLamp: 'abstract_generation' },
  },
  {
    name: 'review writing',
    oppuName: 'review_writing',
    opening: /^Generate the review text written by a reviewer who has (?:a )?given an overall rating of /,
    pairs: [
      {
        inputs: ['overall', 'description', 'summary'],
        subject: (overall, description, summary) =>
          `"${ratingText(overall!)}" for a product with description "${description}". ` +
          `The summary of the review text is "${summary}".`,
        output: 'reviewText',
      },
    ],
    ...LONG,
    files: { longLamp: 'product_review' },
  },
  {
    name: 'topic writing',
    oppuName: 'topic_writing',
    opening: /^Generate the content for a reddit post /i,
    pairs: [as('summary', 'content')],
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

const namesOf = ({ name, oppuName, files }: BenchmarkTask) =>
  files && 'longLamp' in files ? [name, oppuName, files.longLamp] : [name, oppuName];

/**
 * The task by its name: LaMP's (LaMP-4), OPPU's (news_headline) or LongLaMP's (product_review), however spelled.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function namedTask(name: string): BenchmarkTask {
  const task = TASKS.find(task => namesOf(task).some(known => plain(known) === plain(name)));
  if (task) return task;
  throw new IdiolectError('CONFIG', `there is no task "${name}". Known: ${known()}.`);
}

/**
 * The task of a file, by the words of its first query; where a name is given, the task of that name.
 *
 * @param source the file, for errors.
 * @throws IdiolectError DATA for words of no known task where none is named, and for those of another task than is
 *   named; CONFIG for an unknown name.
 */
export function findTask(source: string, name: string | undefined, query: string): BenchmarkTask {
  const found = TASKS.find(({ opening }) => opening.test(query));
  const task = name ? namedTask(name) : found;
  if (!task) {
    const start = JSON.stringify(query.slice(0, 60));
    throw new IdiolectError('DATA', `${source}: no known task words its queries like ${start}. Known: ${known()}.`);
  }
  if (found && found !== task) {
    throw new IdiolectError('DATA', `${source} holds queries of ${found.name}; expected those of ${task.name}.`);
  }
  return task;
}

/**
 * What a query of the task leaves to choose from, in its order: `[1]` and `[2]`, the tags or categories it lists, the
 * ratings 1 to 5. Undefined where the answer is free text.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function taskLabels(name: string, query: string): readonly string[] | undefined {
  return namedTask(name).labels?.(query);
}

/**
 * An input of the task without the instruction it opens with, which is the same in all of them: what sets records apart.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function withoutInstruction(name: string, input: string): string {
  const { opening, pairs } = namedTask(name);
  const own = pairs.find(pair => pair.opening !== undefined && input.startsWith(pair.opening))?.opening;
  return own === undefined ? input.replace(opening, '') : input.slice(own.length);
}

/** The pair that is made of a profile item. */
export function pairOf({ pairs }: BenchmarkTask, item: ProfileItem): ProfilePair {
  return pairs.find(({ output }) => (item[output] ?? null) !== null) ?? pairs.at(-1)!;
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
  /** Words that are kept of a query and of each text of a profile. */
  readonly maxWords: number;
  /** Tokens of prompt and completion together. */
  readonly maxLength: number;
}

/**
 * The settings that `task NAME` means.
 *
 * @throws IdiolectError CONFIG for an unknown name.
 */
export function taskPreset(name: string): TaskPreset {
  const { metrics, maxNewTokens } = namedTask(name);
  return { template: 'plain', metrics, maxNewTokens, maxWords: 768, maxLength: 2048 };
}
