/**
 * Whose text is it? A classifier trained on users' own texts says who wrote a generated one: if the adapter learnt the
 * user's way of writing, the text is given to its user.
 *
 * Multinomial naive Bayes over character n-grams (`ngramCounts`), each counted once a text, all users equally likely
 * beforehand: scikit-learn's MultinomialNB(alpha=0.1, fit_prior=False) on binary counts. What a user writes about counts
 * as well as how, so that it is the level of the user's own held-out texts that a score is to be read against.
 */

import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { ngramCounts } from '../overlap/ngrams.ts';

/** Added to each n-gram's count. Held-out commits are distinguished about as well from 0.01 to 0.1, worse at 1. */
const SMOOTHING = 0.1;

export interface Attributor {
  readonly users: readonly string[];
  /** log p(n-grams of the text | user) up to a constant, in the order of `users`; n-grams never trained on are left out. */
  logLikelihoods(text: string): Float64Array;
}

/** A text and the user it is meant to be by. */
export interface AttributedText {
  readonly user: string;
  readonly text: string;
}

export interface Attribution {
  /** Of the right user, one a text, 1 the best; users who tie with the right one rank before it. */
  readonly ranks: readonly number[];
  /** Share of texts given to their user. */
  readonly top1: number;
  /** Mean of 1 / rank. */
  readonly meanReciprocalRank: number;
  /** What guessing would reach: 1 / users, and the mean of 1 / rank over all ranks. */
  readonly chance: { readonly top1: number; readonly meanReciprocalRank: number };
}

/**
 * Trains the classifier.
 *
 * @param histories texts by user, two users at least; about as many of each, as a longer history knows more n-grams
 * @throws IdiolectError DATA for fewer users, or one without a text
 */
export function trainAttributor(histories: ReadonlyMap<string, readonly string[]>): Attributor {
  const users = [...histories.keys()];
  const empty = users.filter(user => histories.get(user)!.length === 0);
  if (users.length < 2 || empty.length > 0) {
    throw new IdiolectError(
      'DATA',
      `attribution needs two users with texts of their own; found ${users.length}, of whom ${empty.length} have none.`,
    );
  }
  /** n-gram to how many of each user's texts hold it, [users] */
  const held = new Map<string, Float64Array>();
  const totals = new Float64Array(users.length);
  users.forEach((user, u) => {
    for (const text of histories.get(user)!) {
      for (const ngram of ngramCounts(text).keys()) {
        const counts = held.get(ngram) ?? new Float64Array(users.length);
        counts[u]!++;
        held.set(ngram, counts);
        totals[u]!++;
      }
    }
  });
  const logTotals = totals.map(total => Math.log(total + SMOOTHING * held.size));
  const logProbs = new Map(
    Array.from(held, ([ngram, counts]) => [
      ngram,
      counts.map((count, u) => Math.log(count + SMOOTHING) - logTotals[u]!),
    ]),
  );
  return {
    users,
    logLikelihoods(text) {
      const sums = new Float64Array(users.length);
      for (const ngram of ngramCounts(text).keys()) {
        const terms = logProbs.get(ngram);
        if (terms) for (let u = 0; u < sums.length; u++) sums[u]! += terms[u]!;
      }
      return sums;
    },
  };
}

/**
 * How often texts are given to the user they are meant to be by.
 *
 * @throws IdiolectError DATA where there is no text, or a user who was not trained on
 */
export function attribute(attributor: Attributor, texts: readonly AttributedText[]): Attribution {
  if (texts.length === 0) throw new IdiolectError('DATA', 'attribution needs at least one text; found none.');
  if (texts.length === 0) throw new IdiolectError('DATA', 'attribution needs at least one text; found none.');
  const places = new Map(attributor.users.map((user, u) => [user, u]));
  const ranks = texts.map(({ user, text }) => {
    const place = places.get(user);
    if (place === undefined) {
      throw new IdiolectError(
        'DATA',
        `a text is meant to be by "${printable(user)}", whose own texts the classifier has not seen.`,
      );
    }
    const logLikelihoods = attributor.logLikelihoods(text);
    return logLikelihoods.filter(value => value >= logLikelihoods[place]!).length;
  });
  const reciprocal = (values: readonly number[]) => values.reduce((sum, rank) => sum + 1 / rank, 0) / values.length;
  return {
    ranks,
    top1: ranks.filter(rank => rank === 1).length / ranks.length,
    meanReciprocalRank: reciprocal(ranks),
    chance: {
      top1: 1 / attributor.users.length,
      meanReciprocalRank: reciprocal(attributor.users.map((_, u) => u + 1)),
    },
  };
}
