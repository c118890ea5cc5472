/** What an ablation found: every combination of settings, trained and scored. */
import type { UniquenessGroup } from '../../overlap/uniqueness.ts';
import type { Estimate } from '../../statistics/intervals.ts';
import type { UserScore } from '../score/held-out.ts';

/** One training run, scored. */
export interface RunResult {
  readonly users: readonly UserScore[];
  /** Own adapter minus base, nats per completion token, over users. */
  readonly gain: Estimate;
  /** Own adapter minus another user's. */
  readonly personalGain?: Estimate;
  /** Share of the steps whose pure negative risk was below 0; for cbpo. */
  readonly clippedShare?: number;
  /** By uniqueness of the users; empty with fewer than three users. */
  readonly groups: readonly GroupResult[];
  /** KL(pi || pi_ref) on own records at the end of training, in nats per token, averaged over users. */
  readonly kl?: number;
}

/** A combination of settings. */
export interface CellResult extends RunResult {
  readonly name: string;
  /** The values of the varied settings, as written. */
  readonly texts: Readonly<Record<string, string>>;
  /** Gain minus that of the sweep's first cell, paired by user; absent for that cell. */
  readonly difference?: Estimate;
}

export interface GroupResult {
  readonly group: UniquenessGroup;
  readonly users: number;
  readonly gain: Estimate;
}

export interface SweepResult {
  /** The varied settings. */
  readonly settings: readonly string[];
  readonly cells: readonly CellResult[];
}
