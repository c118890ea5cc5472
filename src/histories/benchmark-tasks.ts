/** The tasks of LaMP and LongLaMP: what their profile items hold and how their queries are worded. */
import { IdiolectError } from '../common/errors.ts';

/** An item of a user's profile as the files have it. */
export type ProfileItem = Record<string, unknown>;

export interface BenchmarkTask {
  name: string;
  /** The name in the layout of OPPU and CoPe. */
  oppuName: string;
  /**
   * The instruction every query of the task opens with. Its exact words are taken from the file at hand, because they
   * differ between releases of the benchmarks (the list of tags, for one).
   */
  opening: RegExp;
  /** The profile fields that `subject` reads. */
  inputs: readonly string[];
  /** What stands after the opening, from the values of `inputs`. */
  subject: (...values: string[]) => string;
  /** The profile field that holds what the user wrote. */
  output: string;
}

const only = (text: string) => text;

export const BENCHMARK_TASKS: readonly BenchmarkTask[] = [
  {
    name: 'LaMP-2M',
    oppuName: 'movie_tagging',
    opening: /^Which tag does this movie relate to .*? description: /s,
    inputs: ['description'],
    subject: only,
    output: 'tag',
  },
  {
    name: 'LaMP-2N',
    oppuName: 'news_categorize',
    opening: /^Which category does this article relate to .*? article: /s,
    inputs: ['text'],
    subject: only,
    output: 'category',
  },
  {
    name: 'LaMP-3',
    oppuName: 'product_rating',
    opening: /^What is the score of the following review on a scale of 1 to 5\?.*? review: /s,
    inputs: ['text'],
    subject: only,
    output: 'score',
  },
  {
    name: 'LaMP-4',
    oppuName: 'news_headline',
    opening: /^Generate a headline for the following article: /,
    inputs: ['text'],
    subject: only,
    output: 'title',
  },
  {
    name: 'LaMP-5',
    oppuName: 'scholarly_title',
    opening: /^Generate a title for the following abstract of a paper: /,
    inputs: ['abstract'],
    subject: only,
    output: 'title',
  },
  {
    name: 'LaMP-6',
    oppuName: 'email_subject',
    opening: /^Generate a subject for the following email: /,
    inputs: ['text'],
    subject: only,
    output: 'title',
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
  },
  {
    name: 'topic writing',
    oppuName: 'topic_writing',
    opening: /^Generate the content for a reddit post /i,
    inputs: ['summary'],
    subject: only,
    output: 'content',
  },
];

/** Queries write a rating of 5 as "5.0"; a profile item that holds the number 5 must come out the same. */
function ratingText(overall: string): string {
  return /^\d$/.test(overall) ? `${overall}.0` : overall;
}

const REFUSED: readonly { names: readonly string[]; opening: RegExp; why: string }[] = [
  {
    names: ['LaMP-1', 'citation'],
    opening: /^For an author who has written the paper with the title /,
    why: "LaMP-1 asks which of two papers to cite, but a profile lists the author's papers without such choices",
  },
  {
    names: ['LaMP-7', 'tweet_paraphrase'],
    opening: /^Paraphrase the following tweet/,
    why: 'LaMP-7 asks to paraphrase a text, but a profile holds tweets without the text each would paraphrase',
  },
];

/** How a task is written by anyone: LaMP-5, lamp_5, LaMP5. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/**
 * The task by its name, or else by the words of a query.
 *
 * @param source the file, for errors.
 * @throws IdiolectError DATA for LaMP-1 and LaMP-7, whose profiles hold no pairs of input and output to learn from,
 *   and for words of no known task; CONFIG for an unknown name.
 */
export function findTask(source: string, name: string | undefined, query: string): BenchmarkTask {
  const refused = REFUSED.find(task =>
    name ? task.names.some(other => plain(other) === plain(name)) : task.opening.test(query),
  );
  if (refused) throw new IdiolectError('DATA', `${source}: ${refused.why}: there are no pairs to train on.`);
  const task = BENCHMARK_TASKS.find(({ name: lamp, oppuName, opening }) =>
    name ? plain(lamp) === plain(name) || plain(oppuName) === plain(name) : opening.test(query),
  );
  if (task) return task;
  const known = BENCHMARK_TASKS.map(({ name: lamp, oppuName }) => `${lamp} (${oppuName})`).join(', ');
  if (name) throw new IdiolectError('CONFIG', `there is no task "${name}". Known: ${known}.`);
  const start = JSON.stringify(query.slice(0, 60));
  throw new IdiolectError('DATA', `${source}: no known task words its queries like ${start}. Known: ${known}.`);
}
