/// <reference types="node" preserve="true" />
/**
 * idiolect as a library: load a model, train and score adapters, compare methods, generate. Every job has one calling
 * form, `job(settings, context)`: plain settings, whose defaults are the schema's, and a context with a signal, events, a
 * clock and a version, all optional. What the jobs are made of is in `idiolect/graph`, `/engine`, `/model`,
 * `/objectives`, `/histories`, `/overlap`, `/metrics`, `/results`, `/charts` and `/terminal`.
 */
export { type ErrorCode, type ErrorDetails, IdiolectError } from './common/errors.ts';
export { type Random, random } from './common/random.ts';
export { type Given, type Resolved, resolveSettings } from './common/settings.ts';
export type { EngineOptions } from './engine/session.ts';
export {
  type AblateContext,
  type AblateEvent,
  type AblateSettings,
  type AblationSummary,
  ablate,
  ablateSchema,
} from './jobs/ablate/ablate.ts';
export type { CellResult, SweepResult } from './jobs/ablate/ablation-results.ts';
export { type AdaptEvent, type AdaptSummary, adapt, type HeldOutChange } from './jobs/adapt/adapt.ts';
export { type AdaptSettings, adaptSchema } from './jobs/adapt/adapt-settings.ts';
export { compare } from './jobs/compare/compare.ts';
export type { CompareContext } from './jobs/compare/comparison.ts';
export type { CompareEvent } from './jobs/compare/events.ts';
export { type JudgeOptions, type JudgeSettings, judge, judgeSchema } from './jobs/compare/judge/judge.ts';
export { METHOD_NAMES, type MethodSpec, methodsByName, type TrainingSpec } from './jobs/compare/methods/catalogue.ts';
export type { ComparisonReports } from './jobs/compare/report-files.ts';
export { type CompareSettings, compareSchema } from './jobs/compare/task-settings.ts';
export type { JobContext, NoticeEvent } from './jobs/context.ts';
export { type ForgetSettings, type Forgotten, forget, forgetSchema } from './jobs/forget.ts';
export {
  type OverlapEvent,
  type OverlapReportSettings,
  overlapReportSchema,
  reportOverlaps,
  type UserOverlap,
} from './jobs/overlap/overlap-report.ts';
export {
  type HeldOutScores,
  type ScoreEvent,
  type ScoreSettings,
  scoreRun,
  scoreSchema,
  type UserScore,
} from './jobs/score/held-out.ts';
export { runSentences, userSentence } from './jobs/score/judgement-words.ts';
export type { TokenGroup, TokenShifts, TokenSummary } from './jobs/tokens/token-groups.ts';
export {
  measureTokenShifts,
  type TokenContext,
  type TokenEvent,
  type TokenReport,
  type TokensSettings,
  tokensSchema,
} from './jobs/tokens/token-shift.ts';
export {
  type FailedUser,
  requireAllTrained,
  type TrainEvent,
  type TrainedUser,
  type TrainSummary,
} from './jobs/train/events.ts';
export { type TrainContext, train } from './jobs/train/train.ts';
export type { TokenSequence } from './language-model/batch.ts';
export {
  type EncodedExample,
  type EncodeOptions,
  type GenerateAllOptions,
  type GenerateOptions,
  LanguageModel,
} from './language-model/language-model.ts';
export type { Score } from './language-model/scorer.ts';
export { type Adapter, readAdapter, writeAdapter } from './model/adapter.ts';
export { type LoraConfig, type LoraMatrices, loraConfigSchema } from './model/lora.ts';
export { bco } from './objectives/bco.ts';
export { type CbpoOptions, cbpo } from './objectives/cbpo.ts';
export { dpo } from './objectives/dpo.ts';
export { kto } from './objectives/kto.ts';
export type { Objective } from './objectives/objective.ts';
export { OBJECTIVE_NAMES, type ObjectiveSettings, type TrainableObjective } from './objectives/objectives.ts';
export { sft } from './objectives/sft.ts';
export { type TrainSettings, trainSchema } from './runs/settings.ts';
export type { TrainingExample } from './training/batch-gradient.ts';
export { type StepMetrics, Trainer, type TrainerOptions, type TrainerState } from './training/trainer.ts';
