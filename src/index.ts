/**
 * idiolect as a library. The verbs: load a model (`LanguageModel.load`), forward and backward of a batch
 * (`Trainer.forwardBackward`), an optimiser step (`Trainer.optimStep`), score (`LanguageModel.score`), sample
 * (`LanguageModel.generate`), save (`writeAdapter`). `train` and `scoreRun` are the command line's verbs whole.
 */
export { type ErrorCode, IdiolectError } from './common/errors.ts';
export { type Random, random } from './common/random.ts';
export { type Resolved, resolveSettings } from './common/settings.ts';
export {
  type HeldOutScores,
  type ScoreSettings,
  scoreRun,
  scoreSchema,
  type UserScore,
} from './evaluation/held-out.ts';
export { bootstrapMean, type Estimate } from './evaluation/intervals.ts';
export { type Adapter, readAdapter, writeAdapter } from './model/adapter.ts';
export { type Checkpoint, openCheckpoint } from './model/checkpoint.ts';
export { type LoraConfig, type LoraMatrices, loraConfigSchema } from './model/lora.ts';
export { type CbpoOptions, cbpo } from './objectives/cbpo.ts';
export type { Example, Objective } from './objectives/objective.ts';
export { sft } from './objectives/sft.ts';
export type { EmbeddedText, Embedder } from './overlap/embedder.ts';
export { type EmbedderSettings, embedderSchema, openEmbedder } from './overlap/open-embedder.ts';
export { type Uniqueness, uniqueness } from './overlap/uniqueness.ts';
export type { TokenSequence } from './runtime/batch.ts';
export { type EncodedExample, type GenerateOptions, LanguageModel } from './runtime/language-model.ts';
export type { Score } from './runtime/scorer.ts';
export type { EngineOptions } from './runtime/session.ts';
export { type TrainSettings, trainSchema } from './training/settings.ts';
export { type TrainEvent, type TrainSummary, train } from './training/train.ts';
export { type StepMetrics, Trainer, type TrainerState, type TrainingExample } from './training/trainer.ts';
