/** Plans a user's training: the token sequences, and which of them are in which step. */
import { random } from '../common/random.ts';
import type { UserRecords, WeightedRecord } from '../histories/user-records.ts';
import type { TokenSequence } from '../language-model/batch.ts';
import type { Encoder } from '../language-model/encoder.ts';
import type { EncodedExample } from '../language-model/language-model.ts';
import type { ReferenceCache } from '../language-model/reference-cache.ts';
import type { Objective } from '../objectives/objective.ts';
import type { TrainingExample } from './batch-gradient.ts';
import { mismatchedCompletions } from './mismatched.ts';
import { type PlannedBatch, type PlanOptions, planBatches } from './plan.ts';

/** A token sequence and how much it counts. */
export interface WeightedExample extends EncodedExample {
  readonly weight: number;
}

const GROUPS = ['target', 'auxiliary', 'disliked'] as const;

export interface UserPlan {
  readonly user: string;
  readonly target: readonly WeightedExample[];
  readonly auxiliary: readonly WeightedExample[];
  readonly disliked: readonly WeightedExample[];
  /** The prompt of each sequence with the completion of another; empty for objectives that need none. */
  readonly mismatched: ReadonlyMap<TokenSequence, TokenSequence>;
  readonly batches: readonly PlannedBatch[];
  /** Users whose records are used as auxiliary ones. */
  readonly seen: readonly string[];
}

export function planUser(
  { user, paired, ...records }: UserRecords,
  encoder: Encoder,
  { needsMismatched }: Pick<Objective, 'needsMismatched'>,
  { seed, epochs, batchSize }: Pick<PlanOptions, 'seed' | 'epochs' | 'batchSize'>,
): UserPlan {
  const encode = ({ record, weight }: WeightedRecord): WeightedExample => ({ ...encoder.encode(record), weight });
  const target = records.target.map(encode);
  const auxiliary = records.auxiliary.map(encode);
  const disliked = records.disliked.map(encode);
  const batches = planBatches({
    user,
    seed,
    epochs,
    batchSize,
    targetCount: target.length,
    auxiliaryCount: auxiliary.length,
    dislikedCount: disliked.length,
    paired,
  });
  const all = [...target, ...auxiliary, ...disliked];
  const mismatched = needsMismatched
    ? mismatchedCompletions(all, random(seed, `mismatched/${user}`), encoder.maxLength)
    : new Map<TokenSequence, TokenSequence>();
  return { user, target, auxiliary, disliked, mismatched, batches, seen: usersSeen({ user, ...records }) };
}

/** Other users whose records a user is trained against, each once. */
export function usersSeen({ user, auxiliary }: Pick<UserRecords, 'user' | 'auxiliary'>): string[] {
  const seen = new Set(auxiliary.map(({ record }) => record.user));
  seen.delete(user); // its own rejected texts
  return [...seen].sort();
}

/** Every sequence of a plan that needs its reference score. */
export function sequencesOf({ target, auxiliary, disliked, mismatched }: UserPlan): TokenSequence[] {
  return [...target, ...auxiliary, ...disliked, ...mismatched.values()];
}

/** The records of a planned batch, mismatched pairs last; `reference` is null for objectives that have none. */
export function batchOf(plan: UserPlan, planned: PlannedBatch, reference: ReferenceCache | null): TrainingExample[] {
  const example = (
    group: TrainingExample['group'],
    { ids, promptLength }: TokenSequence,
    weight: number,
  ): TrainingExample => {
    const sequence = { ids, promptLength };
    return { ...sequence, group, weight, referenceLogProb: reference?.get(sequence)?.logProb ?? 0 };
  };
  const chosen = GROUPS.flatMap(group => planned[group].map(index => ({ group, sequence: plan[group][index]! })));
  return [
    ...chosen.map(({ group, sequence }) => example(group, sequence, sequence.weight)),
    ...chosen.flatMap(({ sequence }) => {
      const mismatched = plan.mismatched.get(sequence);
      return mismatched ? [example('mismatched', mismatched, 1)] : [];
    }),
  ];
}
