/// <reference types="node" preserve="true" />
/** Histories: what users wrote, read from where it is, checked, divided and put as prompts. Knows nothing of models. */
export { type DownloadOptions, download, type RemoteFile } from '../hub/download.ts';
export { profileRequest, withExamples, withProfile } from './augment.ts';
export { type AuxiliaryOptions, sampleAuxiliary } from './auxiliary.ts';
export {
  type BenchmarkFile,
  type BenchmarkFiles,
  type BenchmarkFilesOptions,
  benchmarkFiles,
} from './benchmark-files.ts';
export { Bm25, type Hit } from './bm25.ts';
export { collect } from './collect.ts';
export { type Commit, commitInput, commitSchema, commitToRecord, readCommits } from './commits.ts';
export { QUOTES, type Quote } from './csv.ts';
export { type GitOptions, importGit } from './git.ts';
export { diffInput } from './git-diff.ts';
export { conversationHint } from './import-command.ts';
export { type ReadOptions, readHistories, readJsonLines, writeHistories } from './jsonl.ts';
export { importLamp, type LampOptions } from './lamp.ts';
export { importLongLamp, type LongLampOptions } from './longlamp.ts';
export { detectLayout, type Layout, openHistories } from './open.ts';
export { importOppu, type OppuOptions } from './oppu.ts';
export { type HistoryRecord, historyRecordSchema, type Parsed, parseRecord, parseWith, recordKey } from './record.ts';
export {
  Population,
  type SimulatedRecord,
  type SimulatedUser,
  type SimulateSettings,
  simulateSchema,
} from './simulate/simulate.ts';
export { type SimulationSummary, truthFile, writeSimulation } from './simulate/write.ts';
export { detectSource, type Source } from './source.ts';
export {
  groupByUser,
  inTimeOrder,
  type Split,
  type SplitOptions,
  splitByTime,
  type TooFew,
  type UserSplit,
} from './split.ts';
export {
  importTable,
  TABLE_FIELDS,
  type TableColumns,
  type TableField,
  type TableOptions,
  tableColumns,
} from './table.ts';
export { type TaskHistoriesOptions, taskHistories } from './task-files.ts';
export { METRIC_NAMES, type MetricName, type TaskPreset, taskLabels, taskPreset, withoutInstruction } from './tasks.ts';
export { capWords, renderPrompt, TEMPLATES, type TemplateName, templateText } from './templates.ts';
export { normaliseTime } from './time.ts';
export { TIME_FORMATS, type TimeFormat } from './time-format.ts';
export {
  drawUserSplit,
  readUserSplit,
  resolveUserSplit,
  splitFingerprint,
  type TargetSplit,
  type UserSplitFile,
  writeUserSplit,
} from './user-split.ts';
