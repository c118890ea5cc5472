/** What the report of a comparison is made from. */
import type { UniquenessGroup } from '../../overlap/uniqueness.ts';
import type { MethodAnswers } from '../answer.ts';
import type { Results } from '../results.ts';

export interface ReportUser {
  readonly user: string;
  readonly group?: UniquenessGroup;
  readonly alpha?: number;
  readonly trueAlpha?: number;
}

export interface ReportInput {
  readonly title: string;
  /** Such as the data file, model, users, date given from outside; shown at the top. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly results: Results;
  readonly methods: readonly MethodAnswers[];
  /** Of each user, shown beside the texts: uniqueness group, estimated alpha, true alpha where it is known (simulated users). */
  readonly users: readonly ReportUser[];
  /** Hyper-parameter search on development users: every try of every method. */
  readonly search: readonly {
    readonly method: string;
    readonly settings: string;
    readonly score: number;
    /** Where the score is shared and the log-likelihood decided. */
    readonly likelihood?: number;
    readonly chosen: boolean;
  }[];
  /** What the search chose by, and on whom. */
  readonly searchNote: string;
  /** Seconds by stage. */
  readonly costs: readonly { readonly stage: string; readonly seconds: number; readonly detail: string }[];
  /** The exact configuration, each value with where it came from. */
  readonly settings: readonly { readonly name: string; readonly value: string; readonly origin: string }[];
  /** Notes in plain words (caveats). */
  readonly notes: readonly string[];
}
