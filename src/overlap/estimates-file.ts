/** overlap.json: the estimates of a run's users. */
import { z } from 'zod';
import { writeFileAtomic } from '../common/files.ts';
import { readOwnJson } from '../common/own-file.ts';
import { type OverlapEstimate, overlapSchema } from './estimate.ts';

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

const estimateSchema: z.ZodType<OverlapEstimate> = z.object({
  alpha: share.lt(1),
  interval: z.object({ low: share, high: share }),
  estimator: overlapSchema.shape.overlapEstimator.unwrap(),
  capped: z.boolean(),
  fallback: z.string().nullable(),
  targetRecords: count,
  auxiliaryRecords: count,
  separation: share.nullable(),
});

/**
 * The estimates by user.
 *
 * @returns undefined where there is no such file
 * @throws IdiolectError CONFIG naming what is damaged
 */
export async function readEstimates(file: string): Promise<Map<string, OverlapEstimate> | undefined> {
  const remedy = 'Delete the file; alpha is estimated again where it is needed.';
  const estimates = await readOwnJson(file, { schema: z.record(z.string(), estimateSchema), remedy });
  return estimates && new Map(Object.entries(estimates));
}

export async function writeEstimates(file: string, estimates: ReadonlyMap<string, OverlapEstimate>): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(Object.fromEntries(estimates), null, 2)}\n`);
}
