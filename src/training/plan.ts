/** Which records meet in which step: a pure function of the seed, the user and the counts. */
import { random } from '../common/random.ts';

export interface PlanOptions {
  readonly user: string;
  readonly seed: number;
  readonly epochs: number;
  /** Records in a batch, both groups together. */
  readonly batchSize: number;
  readonly targetCount: number;
  /** 0 for objectives without an auxiliary group. */
  readonly auxiliaryCount: number;
}

export interface PlannedBatch {
  readonly epoch: number;
  /** Indices into the user's own records. */
  readonly target: readonly number[];
  /** Indices into the user's auxiliary set. */
  readonly auxiliary: readonly number[];
}

/**
 * Every batch of a run. Each epoch shuffles both groups anew and deals them over ceil(records / batchSize) batches, as
 * evenly as whole records allow, so that each batch holds both groups in about the ratio of the whole. A group with
 * fewer records than there are batches is dealt in turn: its records are seen more than once an epoch, as the loss has
 * no value without them.
 */
export function planBatches(options: PlanOptions): PlannedBatch[] {
  const { user, seed, epochs, batchSize, targetCount, auxiliaryCount } = options;
  const batches = Math.ceil((targetCount + auxiliaryCount) / batchSize);
  return Array.from({ length: epochs }, (_, epoch) => {
    const deal = (group: string, count: number) =>
      dealOut(random(seed, `order/${user}/${group}/${epoch}`).shuffled([...Array(count).keys()]), batches);
    const target = deal('target', targetCount);
    const auxiliary = deal('auxiliary', auxiliaryCount);
    return target.map((indices, batch) => ({ epoch, target: indices, auxiliary: auxiliary[batch]! }));
  }).flat();
}

function dealOut(items: readonly number[], hands: number): number[][] {
  return Array.from({ length: hands }, (_, hand) => {
    if (items.length === 0) return [];
    if (items.length < hands) return [items[hand % items.length]!];
    const start = Math.floor((hand * items.length) / hands);
    return items.slice(start, Math.floor(((hand + 1) * items.length) / hands));
  });
}
