/** What the judge of a comparison found, and the limits of what it was shown. */
import type { Estimate } from '../statistics/intervals.ts';

/** Earlier texts that are shown. */
export const SHOWN = 5;

/** So that five earlier texts, a request and two answers stay within some 4,000 tokens, which small servers take. */
export const LONGEST = 2000;

/** The anchor against one other method, over pairs of answers to the same query. */
export interface JudgeResult {
  readonly method: string;
  readonly title: string;
  /** Share of a user's pairs that the anchor wins, ties half, as the mean over users. */
  readonly rate: Estimate;
  readonly wins: number;
  readonly losses: number;
  /** The other pairs: no preference, verdicts that depend on the order or cannot be read, the same text twice. */
  readonly ties: number;
  /** Ties whose two verdicts differ. */
  readonly disagreements: number;
  /** Ties where an answer holds no verdict. */
  readonly unreadable: number;
  /** Pairs that were asked about, in both orders: all but those of the same text. */
  readonly asked: number;
}

export interface JudgeResults {
  readonly model: string;
  readonly url: string;
  /** The anchor's title. */
  readonly anchor: string;
  readonly users: number;
  /** Queries judged, of all users together. */
  readonly queries: number;
  readonly results: readonly JudgeResult[];
}
