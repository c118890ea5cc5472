/** Every setting of a training run, in one schema: flags, configuration file, types and documentation come from it. */
import { z } from 'zod';
import { nameListSchema } from '../common/name-list.ts';
import { datasetSchema } from '../histories/dataset.ts';
import { recordChoiceSchema } from '../histories/user-records.ts';
import { encodingSchema } from '../language-model/encoder.ts';
import { modelEngineSchema } from '../language-model/model-session.ts';
import { loraConfigSchema } from '../model/lora.ts';
import { cbpoSchema } from '../objectives/cbpo.ts';
import { overlapSchema } from '../overlap/estimate.ts';
import { embedderSchema } from '../overlap/open-embedder.ts';
import { adamwSchema } from '../training/adamw.ts';
import { scheduleSchema } from '../training/schedule.ts';

const { data, queryShare, skipBad, targetUsers } = datasetSchema.shape;

/** Which records to use, and how they are encoded for a model. */
export const dataSchema = z.object({ data, ...encodingSchema.shape, queryShare, skipBad, targetUsers });

export type DataSettings = z.infer<typeof dataSchema>;

export const trainSchema = z.object({
  model: z.string().describe('Hugging Face model folder, or owner/name[@revision] on the Hub'),
  baseName: z
    .string()
    .regex(/^[\w.-]+(\/[\w.-]+)?$/, 'expected a name, or owner/name as on the Hub')
    .optional()
    .describe('the model’s name in adapters (default: its name on the Hub, else that of its folder)'),
  ...dataSchema.shape,
  out: z.string().describe('run folder; the same command continues where it stopped'),
  users: nameListSchema
    .optional()
    .describe(
      'users to train: names separated by commas, in double quotes where a name has a comma, or first:N (default: all)',
    ),
  // Any name, as a caller of the library may bring an objective. The command line allows only the built-in ones.
  method: z.string().default('cbpo').describe('training objective'),
  rejected: z
    .string()
    .optional()
    .describe('JSON Lines of {user, input, output, rejected}: the texts that outputs were preferred to (dpo)'),
  start: z
    .string()
    .optional()
    .describe('run folder whose adapters to start from; the reference is still the model (default: fresh adapters)'),
  alpha: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      'preference overlap: the share of others’ texts that this user could have written (default: estimated per user)',
    ),
  ...cbpoSchema.shape,
  ...recordChoiceSchema.shape,
  ...embedderSchema.shape,
  ...overlapSchema.shape,
  epochs: z.int().positive().default(3).describe('passes over a user’s records'),
  batchSize: z.int().positive().default(8).describe('records in a batch, own and others’ together'),
  microBatchTokens: z
    .int()
    .positive()
    .default(4096)
    .describe('most tokens in memory at once; larger batches take two passes with the same gradient'),
  ...adamwSchema.shape,
  ...scheduleSchema.shape,
  ...loraConfigSchema.shape,
  seed: z.int().nonnegative().default(0).describe('seed of everything random'),
  klEvery: z
    .int()
    .nonnegative()
    .default(10)
    .describe('steps between measurements of KL(pi || pi_ref) in metrics.jsonl; 0: never'),
  saveEvery: z.int().positive().default(20).describe('steps between checkpoints of the user in training'),
  cache: z
    .string()
    .optional()
    .describe('folder for reference scores shared by runs (default: the user’s cache folder)'),
  ...modelEngineSchema.shape,
});

export type TrainSettings = z.infer<typeof trainSchema>;

/**
 * Settings that may differ when a run or a comparison is continued: where files are, which users to train, which
 * methods to compare, and speed. None of them changes an adapter or an answer.
 */
export const NOT_IDENTITY = [
  'model',
  'baseName',
  'data',
  'out',
  'users',
  'methods',
  'klEvery',
  'targetUsers', // the users are compared, not how they were given
  'rejected', // the texts are compared, not the path
  'start', // likewise: the record of that run is compared
  'saveEvery',
  'cache',
  'threads',
  'skipBad',
] as const;
