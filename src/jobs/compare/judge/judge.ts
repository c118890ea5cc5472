/**
 * The optional judge of a comparison: a language model behind any OpenAI-compatible server says which of two answers
 * reads more like the user: the anchor's or another method's. It runs only where its address is given, since it is sent
 * the users' texts.
 */

import { z } from 'zod';
import { counted } from '../../../common/counted.ts';
import { IdiolectError } from '../../../common/errors.ts';
import { printable } from '../../../common/printable.ts';
import { random } from '../../../common/random.ts';
import { setting } from '../../../common/wording.ts';
import type { MethodAnswers } from '../../../results/answer.ts';
import { type JudgeResult, type JudgeResults, SHOWN } from '../../../results/judge-results.ts';
import { bootstrapMean } from '../../../statistics/intervals.ts';
import { askAll, type ChatOptions } from './judge-endpoint.ts';
import { questionBody, readVerdict } from './judge-question.ts';

/** Refuses a URL with a key or a password, which would be saved with the settings. */
function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return [url.username, url.password, url.search, url.hash].every(part => part === '');
}

export const judgeSchema = z.object({
  judgeUrl: z
    .string()
    .refine(isBaseUrl, 'expected an address such as http://localhost:8000/v1, without password, key or query')
    .optional()
    .describe(
      'OpenAI-compatible server, such as http://localhost:8000/v1, whose model judges which answers read more like the user; users’ texts are sent there; the key is read from OPENAI_API_KEY',
    ),
  judgeModel: z.string().min(1).optional().describe('the judging model’s name on the server'),
  judgeQueries: z.int().positive().default(3).describe('most queries to judge per user'),
});

export type JudgeSettings = z.infer<typeof judgeSchema>;

export interface JudgeOptions extends ChatOptions {
  /** Draws the queries and the earlier texts; also sent with each request. */
  readonly seed: number;
}

/**
 * The key of the judge's server; it is not a setting, so that it is never saved.
 *
 * @throws IdiolectError CONFIG where the value cannot be a key
 */
export function judgeKey(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const key = env.OPENAI_API_KEY || undefined;
  if (key === undefined || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new IdiolectError('CONFIG', 'OPENAI_API_KEY holds a space or a character no key has; set it again.');
}

/**
 * The judge's address and model, or undefined where none is named.
 *
 * @throws IdiolectError CONFIG where one of address and model is given without the other
 */
export function judgeOf({ judgeUrl, judgeModel }: JudgeSettings): { url: string; model: string } | undefined {
  if (judgeUrl !== undefined && judgeModel !== undefined) return { url: judgeUrl, model: judgeModel };
  if (judgeUrl === undefined && judgeModel === undefined) return undefined;
  const [given, missing] = judgeUrl === undefined ? ['Model', 'Url'] : ['Url', 'Model'];
  throw new IdiolectError(
    'CONFIG',
    `${setting(`judge${given}`)} needs ${setting(`judge${missing}`)} as well; give both, or none.`,
  );
}

type Outcome = 'win' | 'loss' | 'tie' | 'disagreement' | 'unreadable' | 'same';

/**
 * Two answers to a query; `bodies` shows the anchor's as A and as B, so that a preference for one position cancels out.
 */
interface Pair {
  readonly isSame: boolean;
  readonly bodies: readonly [ours: string, swapped: string];
}

/** Whose answers are judged against whose. */
export interface Contest {
  /** Checked against the others as `measureResults` does. */
  readonly anchor: MethodAnswers;
  readonly others: readonly MethodAnswers[];
  /** The texts each user wrote before. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
}

/**
 * Asks the judge to compare the anchor's answers with those of each other method, on the same queries for every method.
 * Each pair is asked in both orders, and only verdicts that agree count.
 *
 * @returns undefined where no judge is named; nothing is asked or written then
 * @throws IdiolectError as `judgeOf` and `askAll`; DATA where a user has no earlier text or most answers hold no verdict
 */
export async function judge(
  { anchor, others, histories }: Contest,
  settings: JudgeSettings,
  { seed, ...chat }: JudgeOptions,
): Promise<JudgeResults | undefined> {
  const endpoint = judgeOf(settings);
  if (!endpoint) return undefined;
  const { url, model } = endpoint;
  const views = [...anchor.users].map(([user, answers]) => {
    const earlier = shownOf(user, histories.get(user) ?? [], seed);
    const queries = random(seed, `judged queries of ${user}`).shuffled([...answers.keys()]);
    return { user, queries: queries.slice(0, settings.judgeQueries), earlier };
  });
  const pairsOf = (other: MethodAnswers): Pair[][] =>
    views.map(({ user, queries, earlier }) =>
      queries.map(query => {
        const { input, text: ours } = anchor.users.get(user)![query]!;
        const theirs = other.users.get(user)![query]!.text;
        const body = (a: string, b: string) => questionBody({ earlier, request: input, a, b }, { model, seed });
        return { isSame: ours.trim() === theirs.trim(), bodies: [body(ours, theirs), body(theirs, ours)] };
      }),
    );
  const pairs = others.map(pairsOf);
  const requests = pairs.flat(2).flatMap(({ isSame, bodies }) => (isSame ? [] : bodies));
  const answerTo = await askAll(url, requests, content => readVerdict(content) !== undefined, chat);
  requireVerdicts(requests.map(answerTo), model);
  return {
    model,
    url,
    anchor: anchor.title,
    users: views.length,
    queries: views.reduce((sum, { queries }) => sum + queries.length, 0),
    results: others.map(({ name, title }, m) => {
      const outcomes = pairs[m]!.map(ofUser => ofUser.map(pair => outcomeOf(pair, answerTo)));
      return { method: name, title, ...tally(outcomes, seed) };
    }),
  };
}

/** The earlier texts of a user that the judge is shown. */
function shownOf(user: string, history: readonly string[], seed: number): readonly string[] {
  if (history.length === 0) {
    throw new IdiolectError('DATA', `the judge needs an earlier text of each user, and "${printable(user)}" has none.`);
  }
  return random(seed, `shown to the judge of ${user}`).shuffled(history).slice(0, SHOWN);
}

function outcomeOf({ isSame, bodies }: Pair, answerTo: (body: string) => string): Outcome {
  if (isSame) return 'same';
  const [ours, swapped] = bodies.map(body => readVerdict(answerTo(body)));
  if (ours === undefined || swapped === undefined) return 'unreadable';
  if (ours === 'tie' && swapped === 'tie') return 'tie';
  if (ours === 'A' && swapped === 'B') return 'win';
  return ours === 'B' && swapped === 'A' ? 'loss' : 'disagreement';
}

/** @param outcomes of each user's pairs */
function tally(outcomes: readonly (readonly Outcome[])[], seed: number): Omit<JudgeResult, 'method' | 'title'> {
  const points = (outcome: Outcome) => (outcome === 'win' ? 1 : outcome === 'loss' ? 0 : 0.5);
  const shares = outcomes.map(ofUser => ofUser.reduce((sum, one) => sum + points(one), 0) / ofUser.length);
  const all = outcomes.flat();
  const count = (outcome: Outcome) => all.filter(one => one === outcome).length;
  const [wins, losses] = [count('win'), count('loss')];
  return {
    rate: bootstrapMean(shares, random(seed, 'resampled users')),
    wins,
    losses,
    ties: all.length - wins - losses,
    disagreements: count('disagreement'),
    unreadable: count('unreadable'),
    asked: all.length - count('same'),
  };
}

/** Refuses a judge that did not understand the question, whose ties would say nothing. */
function requireVerdicts(answers: readonly string[], model: string): void {
  const without = answers.filter(answer => readVerdict(answer) === undefined);
  if (without.length <= answers.length / 2) return;
  const example = JSON.stringify(without[0]!.slice(0, 80));
  throw new IdiolectError(
    'DATA',
    `the judge "${model}" gave no verdict (A, B or tie) in ${without.length} of ${counted(answers.length, 'answer')}, such as ${example}; name another ${setting('judgeModel')}.`,
  );
}
