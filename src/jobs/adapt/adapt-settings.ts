/** The settings of task adaptation: those of a training run, at the values task-adapted models are made with. */
import { z } from 'zod';
import { modelEngineSchema } from '../../language-model/model-session.ts';
import { loraConfigSchema } from '../../model/lora.ts';
import { dataSchema, trainSchema } from '../../runs/settings.ts';
import { adamwSchema } from '../../training/adamw.ts';
import { scheduleSchema } from '../../training/schedule.ts';

const { model, baseName, out, epochs, batchSize, microBatchTokens, seed, saveEvery, cache } = trainSchema.shape;
const { rank, loraAlpha, loraDropout, targetModules } = loraConfigSchema.shape;

/** Rank, layers, dropout, rate, epochs, batch and clipping are those of OPPU's and CoPe's public code. */
export const adaptSchema = z.object({
  model,
  baseName,
  ...dataSchema.shape,
  targetUsers: dataSchema.shape.targetUsers
    .unwrap()
    .describe('users to leave out: a number (the most active) or the users.json of an earlier command'),
  out,
  maxRecords: z
    .int()
    .positive()
    .optional()
    .describe(
      'train on this many of the others’ records, drawn at random, with held-out records in proportion (default: all)',
    ),
  epochs: epochs.describe('passes over the others’ records'),
  batchSize: batchSize.describe('records in a batch'),
  microBatchTokens,
  ...adamwSchema.shape,
  maxGradNorm: withDefault(adamwSchema.shape.maxGradNorm, 0.3),
  ...scheduleSchema.shape,
  ...loraConfigSchema.shape,
  rank: withDefault(rank, 16),
  loraAlpha: withDefault(loraAlpha, 16),
  loraDropout: withDefault(loraDropout, 0.05),
  targetModules: withDefault(targetModules, ['q_proj', 'k_proj', 'v_proj', 'o_proj']),
  seed,
  saveEvery: saveEvery.describe('steps between checkpoints'),
  cache,
  ...modelEngineSchema.shape,
});

export type AdaptSettings = z.infer<typeof adaptSchema>;

function withDefault<T extends z.ZodType>(
  field: z.ZodDefault<T>,
  value: z.core.util.NoUndefined<z.output<T>>,
): z.ZodDefault<T> {
  return field.unwrap().default(value).describe(field.description!);
}
