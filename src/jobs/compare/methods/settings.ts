/** Every setting of a comparison, in one schema. */
import { z } from 'zod';
import { trainSchema } from '../../../runs/settings.ts';
import { adaptSchema } from '../../adapt/adapt-settings.ts';
import { METHOD_NAMES } from './catalogue.ts';

const train = trainSchema.shape;
const tries = z.array(z.int().positive()).min(1);

export const methodSchema = z.object({
  model: train.model,
  data: train.data.describe('histories: JSON Lines, plain or gzip; with `task`, what idiolect data get downloaded'),
  out: train.out.describe('folder of the comparison; the same command continues where it stopped'),
  task: z
    .string()
    .optional()
    .describe('benchmark that the data is from, such as lamp-4 or topic-writing; sets template, lengths and metrics'),
  targetUsers: z
    .union([z.int(), z.string()], { error: 'expected a whole number or a file' })
    .default(20)
    .describe('users to evaluate: a number (the most active) or a users.json file'),
  developmentUsers: z
    .int()
    .nonnegative()
    .default(10)
    .describe(
      'users to choose hyper-parameters on, in addition to those evaluated; 0: use the first value of each list',
    ),
  methods: z
    .array(z.string())
    .min(1)
    .default([...METHOD_NAMES])
    .describe('methods to compare, in the order of the table; rag+NAME is retrieval on top of an adapter'),
  rates: z
    .array(z.number().positive())
    .min(1)
    .default([3e-4, 1e-3, 3e-3])
    .describe(
      'learning rates to try for each method that trains adapters; a 20th of them for dpo and cope, which continue from oppu',
    ),
  chooseBy: z
    .enum(['metric', 'likelihood'])
    .default('metric')
    .describe('how to choose: by the task’s first metric, or by the log-likelihood of what the users wrote'),
  retrieved: tries.default([2, 1, 4]).describe('numbers of records in the prompt to try for rag, as many as rates'),
  profileRecords: tries.default([10, 5, 20]).describe('numbers of records to write a profile from, to try for pag'),
  retriever: z
    .enum(['bm25', 'dense'])
    .default('bm25')
    .describe('how rag finds records: BM25 or the embeddings of `embedder`'),
  maxTokens: z.int().positive().optional().describe('longest answer in tokens (default: the task’s, else 64)'),
  epochs: train.epochs,
  batchSize: train.batchSize.describe(
    'records in a batch; methods without others’ records see the same number of own records per step',
  ),
  skipAdaptation: z
    .boolean()
    .default(false)
    .describe('start every method from the model itself, without task adaptation'),
  taskEpochs: adaptSchema.shape.epochs.describe('passes over the others’ records in task adaptation'),
  taskRate: adaptSchema.shape.lr.describe('peak learning rate of task adaptation'),
  taskRecords: adaptSchema.shape.maxRecords,
  ...trainSchema.omit({
    model: true,
    data: true,
    out: true,
    targetUsers: true,
    epochs: true,
    batchSize: true,
    users: true,
    method: true,
    rejected: true,
    start: true,
    lr: true,
    klEvery: true,
    saveEvery: true,
  }).shape,
});

export type MethodSettings = z.infer<typeof methodSchema>;
