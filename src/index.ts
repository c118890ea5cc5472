/// <reference types="node" preserve="true" />
/**
 * idiolect as a library. The verbs: load a model (`LanguageModel.load`), forward and backward of a batch
 * (`Trainer.forwardBackward`), an optimiser step (`Trainer.optimStep`), score (`LanguageModel.score`), sample
 * (`LanguageModel.generate`), save (`writeAdapter`). `train`, `scoreRun` and `ablate` are the command line's
 * verbs whole.
 */
export { type DotChart, type DotSeries, dotChart } from './charts/dot-chart.ts';
export { type LineChart, type LineSeries, lineChart } from './charts/line-chart.ts';
export { type TokenStrip, type TokenText, tokenStrip } from './charts/token-strip.ts';
export { type ErrorCode, IdiolectError } from './common/errors.ts';
export { type Random, random } from './common/random.ts';
export { type Resolved, resolveSettings } from './common/settings.ts';
export type { EngineOptions } from './engine/session.ts';
export { type Feeds, float32, type Tensor } from './engine/tensor.ts';
export { type ResolveOptions, resolveModel } from './hub/hub.ts';
export { type AblateSettings, type AblationSummary, ablate, ablateSchema } from './jobs/ablate/ablate.ts';
export type { CellResult, SweepResult } from './jobs/ablate/ablation-results.ts';
export { type AdaptEvent, type AdaptSummary, adapt, type HeldOutChange } from './jobs/adapt/adapt.ts';
export { type AdaptSettings, adaptSchema } from './jobs/adapt/adapt-settings.ts';
export { type CompareContext, compare } from './jobs/compare/compare.ts';
export type { CompareEvent } from './jobs/compare/events.ts';
export { type JudgeOptions, type JudgeSettings, judge, judgeSchema } from './jobs/compare/judge/judge.ts';
export { METHOD_NAMES, type MethodSpec, methodsByName, type TrainingSpec } from './jobs/compare/methods/catalogue.ts';
export type { ComparisonReports } from './jobs/compare/report-files.ts';
export {
  type CompareSettings,
  compareSchema,
} from './jobs/compare/task-settings.ts';
export { type ForgetSettings, type Forgotten, forget, forgetSchema } from './jobs/forget.ts';
export {
  type OverlapReportSettings,
  overlapReportSchema,
  reportOverlaps,
  type UserOverlap,
} from './jobs/overlap/overlap-report.ts';
export {
  type HeldOutScores,
  type ScoreSettings,
  scoreRun,
  scoreSchema,
  type UserScore,
} from './jobs/score/held-out.ts';
export { runSentences, userSentence } from './jobs/score/judgement-words.ts';
export type { TokenGroup, TokenShifts, TokenSummary } from './jobs/tokens/token-groups.ts';
export { measureTokenShifts, type TokenReport, type TokensSettings, tokensSchema } from './jobs/tokens/token-shift.ts';
export { type FailedUser, requireAllTrained, type TrainEvent, type TrainSummary } from './jobs/train/events.ts';
export { train } from './jobs/train/train.ts';
export type { TokenSequence } from './language-model/batch.ts';
export { type EncodedExample, type GenerateOptions, LanguageModel } from './language-model/language-model.ts';
export type { Score } from './language-model/scorer.ts';
export {
  type AttributedText,
  type Attribution,
  type Attributor,
  attribute,
  trainAttributor,
} from './metrics/attribution.ts';
export { corpusBleu, sentenceBleu } from './metrics/bleu.ts';
export { type ChrfOptions, corpusChrf, sentenceChrf } from './metrics/chrf.ts';
export { accuracy, macroF1 } from './metrics/classification.ts';
export { meteor } from './metrics/meteor.ts';
export { meanAbsoluteError, rootMeanSquaredError } from './metrics/regression.ts';
export { type RougeScore, type RougeScores, rouge } from './metrics/rouge.ts';
export {
  compareStyle,
  type StyleComparison,
  type StyleDistance,
  styleDistance,
} from './metrics/style-distance.ts';
export { wordTokens } from './metrics/word-tokens.ts';
export { readWordNet, type Synonyms } from './metrics/wordnet.ts';
export { type Adapter, readAdapter, writeAdapter } from './model/adapter.ts';
export { type Checkpoint, openCheckpoint } from './model/checkpoint.ts';
export { type LoraConfig, type LoraMatrices, loraConfigSchema } from './model/lora.ts';
export { type MergeOptions, mergeAdapter } from './model/merge.ts';
export { bco } from './objectives/bco.ts';
export { type CbpoOptions, cbpo } from './objectives/cbpo.ts';
export { dpo } from './objectives/dpo.ts';
export {
  column,
  columnInput,
  countGroups,
  implicitReward,
  logRatio,
  referenceLogProbs,
  requireBothGroups,
  scalar,
  scalarInput,
  weightedSum,
} from './objectives/inputs.ts';
export { kto } from './objectives/kto.ts';
export type { Example, Group, Objective, ObjectiveState } from './objectives/objective.ts';
export { type ObjectiveResult, ObjectiveSession } from './objectives/objective-session.ts';
export { OBJECTIVE_NAMES, type ObjectiveSettings, type TrainableObjective } from './objectives/objectives.ts';
export { sft } from './objectives/sft.ts';
export type { EmbeddedText, Embedder } from './overlap/embedder.ts';
export type { OverlapEstimate } from './overlap/estimate.ts';
export { type EmbedderSettings, embedderSchema, openEmbedder } from './overlap/open-embedder.ts';
export { type Uniqueness, uniqueness } from './overlap/uniqueness.ts';
export type { Answer, MethodAnswers } from './results/answer.ts';
export type { JudgeResults } from './results/judge-results.ts';
export { measureResults } from './results/measure.ts';
export { type PaperTable, paperTable } from './results/paper-table.ts';
export type { ReportInput } from './results/report/input.ts';
export { reportHtml } from './results/report/report.ts';
export type { MetricResult, Results, ResultsInput } from './results/results.ts';
export { resultsMarkdown } from './results/results-markdown.ts';
export { type TrainSettings, trainSchema } from './runs/settings.ts';
export {
  holm,
  type PairedDifference,
  pairedDifference,
  type WinRate,
  winRate,
} from './statistics/comparisons.ts';
export { bootstrapMean, type Estimate } from './statistics/intervals.ts';
export {
  type HeldOutVerdict,
  type Judgement,
  judgeTexts,
  judgeUsers,
  type OverallJudgement,
  type ScoredText,
} from './statistics/judgement.ts';
export type { TrainingExample } from './training/batch-gradient.ts';
export { type StepMetrics, Trainer, type TrainerOptions, type TrainerState } from './training/trainer.ts';
