/** Every setting of a comparison, in one schema. */
import { z } from 'zod';
import { trainSchema } from '../../../runs/settings.ts';
import { adaptSchema } from '../../adapt/adapt-settings.ts';
import { METHOD_NAMES } from './catalogue.ts';

const train = trainSchema.shape;
const tries = z.array(z.int().positive()).min(1);

export const methodSchema = z.object({
  model: train.model,
  data: train.data.describe('histories: JSON Lines, plain or gzip; with `task`, what idiolect data get left on disk'),
  out: train.out.describe('folder of the comparison; the same command continues where it stopped'),
  task: z.string().optional().describe('benchmark the data is of, such as lamp-4 or topic-writing: sets what it fixes'),
  targetUsers: z
    .union([z.int(), z.string()], { error: 'expected a whole number or a file' })
    .default(20)
    .describe('users who are evaluated: a number (most active first) or a users.json'),
  developmentUsers: z
    .int()
    .nonnegative()
    .default(10)
    .describe('users hyper-parameters are chosen on, beside those evaluated; 0: the first try of each list is taken'),
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
      'learning rates tried for each method that trains adapters; dpo and cope, which continue from oppu, a 20th',
    ),
  chooseBy: z
    .enum(['metric', 'likelihood'])
    .default('metric')
    .describe('what a try is chosen by: the task’s first metric, or the log-likelihood of what the users wrote'),
  retrieved: tries.default([2, 1, 4]).describe('numbers of records in the prompt tried for rag, as many as rates'),
  profileRecords: tries.default([10, 5, 20]).describe('records a profile is written from, tried for pag'),
  retriever: z
    .enum(['bm25', 'dense'])
    .default('bm25')
    .describe('how rag finds records: BM25 or the embeddings of `embedder`'),
  maxTokens: z.int().positive().optional().describe('longest answer in tokens (default: of the task, else 64)'),
  epochs: train.epochs,
  batchSize: train.batchSize.describe(
    'records in a batch; methods without others’ records see as many own ones a step',
  ),
  skipAdaptation: z.boolean().default(false).describe('every method starts from the model itself, not from a TAM'),
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
