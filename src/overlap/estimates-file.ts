/** overlap.json: the estimates of a run's users. */
import { z } from 'zod';
import { writeFileAtomic } from '../common/files.ts';
import { readOwnJson } from '../common/own-file.ts';
import { type OverlapEstimate, overlapSchema } from './estimate.ts';

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

const estimateSchema: z.ZodType<OverlapEstimate> = z.object({
  alpha: share.lt(1),
  capped: z.boolean(),
  interval: z.object({ low: share, high: share }),
  estimator: overlapSchema.shape.overlapEstimator.unwrap(),
  fallback: z.string().nullable(),
  targetRecords: count,
  auxiliaryRecords: count,
  separation: share.nullable(),
});

const estimatesSchema = z.record(z.string(), estimateSchema);

/**
 * The estimates by user.
 *
 * @returns undefined where there is no such file
 * @throws IdiolectError CONFIG naming what is damaged
 */
export async function readEstimates(file: string): Promise<Map<string, OverlapEstimate> | undefined> {
  const remedy = 'Delete the file; alpha is estimated again where it is needed.';
  const estimates = await readOwnJson(file, { schema: estimatesSchema, remedy });
  return estimates && new Map(Object.entries(estimates));
}

/** Writes each estimate's fields in one order, so that estimates computed now and read from a file give the same bytes. */
export async function writeEstimates(file: string, estimates: ReadonlyMap<string, OverlapEstimate>): Promise<void> {
  const ordered = estimatesSchema.parse(Object.fromEntries(estimates));
  await writeFileAtomic(file, `${JSON.stringify(ordered, null, 2)}\n`);
}
