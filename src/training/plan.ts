/** Plans which records are in which step: a pure function of the seed, the user and the counts. */
import { random } from '../common/random.ts';

export interface PlanOptions {
  readonly user: string;
  readonly seed: number;
  readonly epochs: number;
  /** Records in a batch, all groups together. */
  readonly batchSize: number;
  readonly targetCount: number;
  /** 0 for objectives without an auxiliary group. */
  readonly auxiliaryCount: number;
  readonly dislikedCount: number;
  /** Target and auxiliary records of one index belong together (default: they do not). */
  readonly paired?: boolean;
}

export interface PlannedBatch {
  readonly epoch: number;
  /** Indices into the user's own records. */
  readonly target: readonly number[];
  /** Indices into the user's auxiliary set. */
  readonly auxiliary: readonly number[];
  /** Indices into the user's disliked records. */
  readonly disliked: readonly number[];
}

/**
 * Every batch of a run. Each epoch reshuffles the groups and deals them over ceil(records / batchSize) batches, as
 * evenly as whole records allow, so that each batch has the groups in about the overall ratio. Where there are fewer
 * target or auxiliary records than batches, they are dealt in turn and seen more than once per epoch, since the loss is
 * undefined without either. Disliked records are seen once per epoch; a batch may have none. Pairs stay together and
 * are seen once per epoch; a batch holds one even if the batch size is too small for it.
 */
export function planBatches(options: PlanOptions): PlannedBatch[] {
  const { user, seed, epochs, batchSize, targetCount, auxiliaryCount, dislikedCount, paired } = options;
  const wanted = Math.ceil((targetCount + auxiliaryCount + dislikedCount) / batchSize);
  const batches = paired ? Math.min(wanted, targetCount) : wanted;
  return Array.from({ length: epochs }, (_, epoch) => {
    const order = (group: string, count: number) =>
      random(seed, `order/${user}/${group}/${epoch}`).shuffled([...Array(count).keys()]);
    const target = dealInTurn(order('target', targetCount), batches);
    const auxiliary = paired ? target : dealInTurn(order('auxiliary', auxiliaryCount), batches);
    const disliked = dealOnce(order('disliked', dislikedCount), batches);
    return target.map((indices, batch) => ({
      epoch,
      target: indices,
      auxiliary: auxiliary[batch]!,
      disliked: disliked[batch]!,
    }));
  }).flat();
}

function dealOnce(items: readonly number[], hands: number): number[][] {
  const start = (hand: number) => Math.floor((hand * items.length) / hands);
  return Array.from({ length: hands }, (_, hand) => items.slice(start(hand), start(hand + 1)));
}

/** The same where there are enough items for every hand; otherwise each hand gets one, going round the items again. */
function dealInTurn(items: readonly number[], hands: number): number[][] {
  if (items.length === 0 || items.length >= hands) return dealOnce(items, hands);
  return Array.from({ length: hands }, (_, hand) => [items[hand % items.length]!]);
}
