/** What the training of a run reports, step by step and at its end. */
import { counted } from '../../common/counted.ts';
import { IdiolectError } from '../../common/errors.ts';
import type { OverlapEstimate } from '../../overlap/estimate.ts';
import type { StepMetrics } from '../../training/trainer.ts';
import type { NoticeEvent } from '../context.ts';

export type TrainEvent =
  | NoticeEvent
  | { readonly type: 'start'; readonly users: number; readonly finished: number; readonly steps: number }
  | { readonly type: 'embedding'; readonly done: number; readonly total: number }
  | { readonly type: 'overlap'; readonly user: string; readonly estimate: OverlapEstimate }
  | { readonly type: 'reference'; readonly done: number; readonly total: number }
  | { readonly type: 'resume'; readonly user: string; readonly step: number }
  | {
      readonly type: 'step';
      readonly user: string;
      readonly step: number;
      readonly steps: number;
      readonly metrics: StepMetrics;
    }
  | { readonly type: 'adapter'; readonly user: string; readonly folder: string; readonly metrics: StepMetrics }
  | { readonly type: 'failed'; readonly user: string; readonly reason: string };

export interface TrainedUser {
  readonly user: string;
  readonly folder: string;
  readonly trainRecords: number;
  readonly queryRecords: number;
}

export interface TrainSummary {
  readonly run: string;
  readonly metrics: string;
  /** Share of all steps whose pure negative risk was below 0; for cbpo. */
  readonly clippedShare?: number;
  /** Users with an adapter. */
  readonly users: readonly TrainedUser[];
  /** The alphas used, by user, where they were estimated. */
  readonly alphas: ReadonlyMap<string, OverlapEstimate>;
  /** Users whose training diverged, and who have no adapter. */
  readonly failed: readonly FailedUser[];
}

export interface FailedUser {
  readonly user: string;
  /** One sentence. */
  readonly reason: string;
}

/** @throws IdiolectError DIVERGED where training failed, with the reason for each user */
export function requireAllTrained({ users, failed, run }: Pick<TrainSummary, 'users' | 'failed' | 'run'>): void {
  if (failed.length === 0) return;
  const reasons = failed.map(({ reason }) => reason).join(' ');
  throw new IdiolectError(
    'DIVERGED',
    `${run} has no adapter of ${failed.length} of ${counted(users.length + failed.length, 'user')}. ${reasons}`,
  );
}
