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
export {
  type AblateSettings,
  type AblationSummary,
  ablate,
  ablateSchema,
  type CellResult,
  type SweepResult,
} from './evaluation/ablation.ts';
export {
  type AttributedText,
  type Attribution,
  type Attributor,
  attribute,
  trainAttributor,
} from './evaluation/attribution.ts';
export { type CompareOptions, compare } from './evaluation/compare/compare.ts';
export type { CompareEvent } from './evaluation/compare/events.ts';
export type { ComparisonReports } from './evaluation/compare/report-files.ts';
export {
  type CompareSettings,
  compareSchema,
} from './evaluation/compare/task-settings.ts';
export {
  holm,
  type PairedDifference,
  pairedDifference,
  type WinRate,
  winRate,
} from './evaluation/comparisons.ts';
export {
  type HeldOutScores,
  type ScoreSettings,
  scoreRun,
  scoreSchema,
  type UserScore,
} from './evaluation/held-out.ts';
export { bootstrapMean, type Estimate } from './evaluation/intervals.ts';
export { type JudgeOptions, type JudgeResults, type JudgeSettings, judge, judgeSchema } from './evaluation/judge.ts';
export {
  type HeldOutVerdict,
  type Judgement,
  judgeTexts,
  judgeUsers,
  type OverallJudgement,
  type ScoredText,
} from './evaluation/judgement.ts';
export { runSentences, userSentence } from './evaluation/judgement-words.ts';
export { measureResults } from './evaluation/measure.ts';
export { corpusBleu, sentenceBleu } from './evaluation/metrics/bleu.ts';
export { type ChrfOptions, corpusChrf, sentenceChrf } from './evaluation/metrics/chrf.ts';
export { accuracy, macroF1 } from './evaluation/metrics/classification.ts';
export { meteor } from './evaluation/metrics/meteor.ts';
export { meanAbsoluteError, rootMeanSquaredError } from './evaluation/metrics/regression.ts';
export { type RougeScore, type RougeScores, rouge } from './evaluation/metrics/rouge.ts';
export { wordTokens } from './evaluation/metrics/word-tokens.ts';
export { readWordNet, type Synonyms } from './evaluation/metrics/wordnet.ts';
export {
  type OverlapReportSettings,
  overlapReportSchema,
  reportOverlaps,
  type UserOverlap,
} from './evaluation/overlap-report.ts';
export { type PaperTable, paperTable } from './evaluation/paper-table.ts';
export { type ReportInput, reportHtml } from './evaluation/report/report.ts';
export type { MetricResult, Results, ResultsInput } from './evaluation/results.ts';
export { resultsMarkdown } from './evaluation/results-markdown.ts';
export {
  compareStyle,
  type StyleComparison,
  type StyleDistance,
  styleDistance,
} from './evaluation/style-distance.ts';
export type { TokenGroup, TokenSummary } from './evaluation/token-groups.ts';
export {
  measureTokenShifts,
  type TokenReport,
  type TokenShifts,
  type TokensSettings,
  tokensSchema,
} from './evaluation/token-shift.ts';
export type { Answer, MethodAnswers } from './methods/answer.ts';
export { METHOD_NAMES, type MethodSpec, methodsByName, type TrainingSpec } from './methods/catalogue.ts';
export { type Adapter, readAdapter, writeAdapter } from './model/adapter.ts';
export { type Checkpoint, openCheckpoint } from './model/checkpoint.ts';
export { type ResolveOptions, resolveModel } from './model/hub.ts';
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
export type { TokenSequence } from './runtime/batch.ts';
export { type EncodedExample, type GenerateOptions, LanguageModel } from './runtime/language-model.ts';
export type { Score } from './runtime/scorer.ts';
export type { EngineOptions } from './runtime/session.ts';
export { type Feeds, float32, type Tensor } from './runtime/tensor.ts';
export { type AdaptEvent, type AdaptSummary, adapt, type HeldOutChange } from './training/adapt.ts';
export { type AdaptSettings, adaptSchema } from './training/adapt-settings.ts';
export type { TrainingExample } from './training/batch-gradient.ts';
export { type ForgetSettings, type Forgotten, forget, forgetSchema } from './training/forget.ts';
export { type TrainSettings, trainSchema } from './training/settings.ts';
export { type FailedUser, requireAllTrained, type TrainEvent, type TrainSummary, train } from './training/train.ts';
export { type StepMetrics, Trainer, type TrainerOptions, type TrainerState } from './training/trainer.ts';
