/// <reference types="node" preserve="true" />
/** Methods compared: measured answers, differences with intervals and tests, tables and the report. */
export {
  holm,
  type PairedDifference,
  pairedDifference,
  type WinRate,
  winRate,
} from '../statistics/comparisons.ts';
export { bootstrapMean, type Estimate } from '../statistics/intervals.ts';
export {
  type HeldOutVerdict,
  type Judgement,
  judgeTexts,
  judgeUsers,
  type OverallJudgement,
  type ScoredText,
} from '../statistics/judgement.ts';
export type { Answer, MethodAnswers } from './answer.ts';
export type { JudgeResult, JudgeResults } from './judge-results.ts';
export { measureResults } from './measure.ts';
export { type PaperTable, paperTable } from './paper-table.ts';
export type { ReportInput } from './report/input.ts';
export { reportHtml } from './report/report.ts';
export type { MetricResult, Results, ResultsInput } from './results.ts';
export { resultsMarkdown } from './results-markdown.ts';
