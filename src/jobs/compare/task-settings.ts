/** Applies the settings that a benchmark task fixes for a comparison, and turns its files into histories. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { exists, sha256 } from '../../common/files.ts';
import type { Resolved } from '../../common/settings.ts';
import {
  capWords,
  type HistoryRecord,
  METRIC_NAMES,
  type MetricName,
  taskHistories,
  taskPreset,
  writeHistories,
} from '../../histories/index.ts';
import { judgeSchema } from './judge/judge.ts';
import { type MethodSettings, methodSchema } from './methods/settings.ts';

/** The settings of a comparison and of its judge. */
export const compareSchema = methodSchema.extend({
  ...judgeSchema.shape,
  metrics: z
    .array(z.enum(METRIC_NAMES))
    .min(1)
    .optional()
    .describe(
      'metrics of the answers; the first chooses between tries (default: the task’s; for texts rouge1 and rougeL, preceded by chrf where most are not in Latin letters)',
    ),
});

export type CompareSettings = z.infer<typeof compareSchema>;

/** The settings, with none left undecided. */
export type ClosedSettings = CompareSettings & { readonly maxTokens: number };

export interface TaskSettings {
  readonly settings: Resolved<ClosedSettings>;
  /** The metrics of the answers; the first one chooses hyper-parameters. */
  readonly metrics: readonly MetricName[];
}

export interface TaskOptions {
  /** The folder for the histories. */
  readonly folder: string;
  readonly onNotice: (message: string) => void;
  /** Called at each record; it may throw to stop. */
  readonly onRecord: () => void;
}

/** The metrics and the longest answer where there is no task. */
const FREE_TEXT = { metrics: ['rouge1', 'rougeL'] as readonly MetricName[], maxNewTokens: 64 };

/**
 * The file name of the task's histories in the folder of a comparison. It depends on the source, so that no other
 * histories are taken for them.
 */
export function taskFileName(task: string, data: string): string {
  return `${task.replaceAll(/[^\w-]/g, '_')}-${sha256(resolve(data)).slice(0, 8)}.jsonl.gz`;
}

/**
 * Settings given by the user win over the task's. The histories are made once; without a task, `data` is the histories.
 *
 * @throws IdiolectError as `taskHistories` does
 */
export async function settingsOfTask(
  { values, origins }: Resolved<CompareSettings>,
  { folder, onNotice, onRecord }: TaskOptions,
): Promise<TaskSettings> {
  const { task, data, skipBad } = values;
  if (task === undefined) {
    const maxTokens = values.maxTokens ?? FREE_TEXT.maxNewTokens;
    return { settings: { values: { ...values, maxTokens }, origins }, metrics: values.metrics ?? FREE_TEXT.metrics };
  }
  const preset = taskPreset(task);
  const file = join(folder, taskFileName(task, data));
  if (!(await exists(file))) {
    async function* records() {
      for await (const record of taskHistories(task!, data, { skipBad, onSkip: onNotice, onNotice })) {
        onRecord();
        yield cut(record, preset.maxWords);
      }
    }
    await writeHistories(file, records());
  }
  const isGiven = (key: keyof MethodSettings) => origins[key] !== 'default';
  const fixed = {
    data: file,
    ...(!isGiven('template') && { template: preset.template }),
    ...(!isGiven('maxLength') && { maxLength: preset.maxLength }),
    ...(!isGiven('maxTokens') && { maxTokens: preset.maxNewTokens }),
  };
  const fromTask = Object.fromEntries(Object.keys(fixed).map(key => [key, `task ${task}`]));
  return {
    settings: {
      values: { ...values, ...fixed, maxTokens: values.maxTokens ?? preset.maxNewTokens },
      origins: { ...origins, ...fromTask },
    },
    metrics: values.metrics ?? preset.metrics,
  };
}

/** Cuts texts to learn from as the benchmarks do, but never the text an answer is measured against. */
function cut(record: HistoryRecord, maxWords: number): HistoryRecord {
  const input = capWords(record.input, maxWords);
  return record.split === 'query'
    ? { ...record, input }
    : { ...record, input, output: capWords(record.output, maxWords) };
}
