/** The scores of a finished run, kept in its folder so that it is scored only once. */
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../common/files.ts';
import { readKeptJson } from '../../common/own-file.ts';
import { trainSchema } from '../../runs/settings.ts';
import type { HeldOutScores } from './held-out.ts';

const count = z.int().nonnegative();
const estimate = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const overall = z.object({ texts: count, p: z.number(), verdict: z.enum(['helps', 'harms', 'untold', 'few']) });
const judgement = z.object({ ...estimate.shape, ...overall.shape });

/** The fields are in the order in which they are made, so that scores read back are written as the same bytes. */
const scoresSchema: z.ZodType<HeldOutScores> = z.object({
  users: z.array(
    z.object({
      user: z.string(),
      records: count,
      tokens: count,
      base: z.number(),
      adapter: z.number(),
      otherAdapter: z.number().optional(),
      gain: judgement,
      personalGain: judgement.optional(),
    }),
  ),
  gain: estimate,
  overall,
  training: trainSchema.pick({ method: true, lr: true, epochs: true }),
  personalGain: estimate.optional(),
  personalOverall: overall.optional(),
});

const keptSchema = z.object({
  /** The users the run had trained by then. */
  trained: z.array(z.string()),
  scores: scoresSchema,
});

const fileOf = (run: string) => join(run, 'scores.json');

/** The scores of a run that has trained these users; undefined where there are none, or they are damaged. */
export async function readKeptScores(run: string, trained: readonly string[]): Promise<HeldOutScores | undefined> {
  const kept = await readKeptJson(fileOf(run), keptSchema);
  return kept && JSON.stringify(kept.trained) === JSON.stringify(trained) ? kept.scores : undefined;
}

export async function keepScores(run: string, trained: readonly string[], scores: HeldOutScores): Promise<void> {
  await writeFileAtomic(fileOf(run), `${JSON.stringify({ trained, scores })}\n`);
}
