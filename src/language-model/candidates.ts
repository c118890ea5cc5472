/** Log-likelihood of several completions of one prompt, which is run only once. */

import type { Session } from '../engine/session.ts';
import { floats, int64 } from '../engine/tensor.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import type { LoraMatrices } from '../model/lora.ts';
import type { RopeSource } from '../model/rope.ts';
import { packRows } from './batch.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { finiteLogProbs, loraFeeds, type Score } from './scorer.ts';

/**
 * The same as `Scorer.score` for each, up to rounding: sums over a cache and over more rows are in a different order.
 *
 * @param session      of the cached scoring graph
 * @param prompt       ids, at least one
 * @param completions  ids of each, at least one
 */
export async function scoreCandidates(
  session: Session,
  { checkpoint, rope }: { checkpoint: Checkpoint; rope: RopeSource },
  prompt: readonly number[],
  completions: readonly (readonly number[])[],
  matrices: LoraMatrices = [],
): Promise<Score[]> {
  const cache = new KeyValueCache(checkpoint.config, completions.length);
  const adapter = loraFeeds(matrices);
  const run = (rows: readonly (readonly number[])[], selected: readonly number[], targets: readonly number[]) => {
    const { feeds } = packRows(rows, rope, cache.lengths);
    const scored = { selected: int64(selected), targets: int64(targets) };
    return session.run({ ...feeds, ...adapter, ...cache.feeds(0), ...scored });
  };
  cache.open(1);
  // The prompt's last token predicts the first of each completion, and runs with it.
  const before = prompt.slice(0, -1);
  if (before.length > 0) cache.append(await run([before], [0], [0]), 0, [before.length]);
  for (let i = 1; i < completions.length; i++) cache.fork(0);
  const rows = completions.map(ids => [prompt.at(-1)!, ...ids.slice(0, -1)]);
  const targets = completions.flat();
  const results = await run(
    rows,
    targets.map((_, row) => row),
    targets,
  );
  const logProbs = finiteLogProbs(floats(results.token_log_probs!), matrices.length > 0);
  let start = 0;
  return completions.map(({ length: tokens }) => {
    const logProb = logProbs.subarray(start, start + tokens).reduce((a, b) => a + b, 0);
    start += tokens;
    return { logProb, tokens };
  });
}
