import { duration } from '../common/duration.ts';
import { packageVersion } from '../common/version.ts';
import { compare } from '../jobs/compare/compare.ts';
import { judgeKey } from '../jobs/compare/judge/judge.ts';
import { compareSchema } from '../jobs/compare/task-settings.ts';
import { metricRemarks, remarkLines } from '../results/remarks.ts';
import { compareReporter } from '../terminal/compare-progress.ts';
import { resultRows, standing } from '../terminal/result-table.ts';
import { table } from '../terminal/table.ts';
import { defineVerb, showSettings } from './verb.ts';

export const compareVerb = defineVerb({
  name: 'compare',
  summary:
    'Compares methods under one harness: adapts the model to the task, searches hyper-parameters on development users, trains and evaluates each method on the target users, and writes tables and a report.',
  operands: [],
  schema: compareSchema,
  example:
    'idiolect compare --model HuggingFaceTB/SmolLM2-135M-Instruct --data histories.jsonl --template commit-subject --target-users 20 --out runs/comparison',
  async run({ resolved, json, terminal, signal }) {
    const now = () => performance.now();
    const start = now();
    const settings = resolved;
    showSettings(settings, terminal);
    const onEvent = compareReporter(terminal);
    const key = settings.values.judgeUrl === undefined ? undefined : judgeKey();
    const summary = await compare(settings, {
      version: packageVersion(),
      now,
      onEvent,
      signal,
      ...(key && { judgeKey: key }),
    });
    if (json) {
      terminal.print(JSON.stringify(summary));
      return;
    }
    terminal.print(table(resultRows(summary.results)));
    const { metrics, methods } = summary.results;
    for (const line of [...metricRemarks(metrics), ...remarkLines(methods, methods)]) terminal.print(line);
    terminal.print(standing(summary.results));
    terminal.say(`${duration((now() - start) / 1000)}; texts: ${summary.answers}`);
    terminal.say(`tables: ${summary.markdown} (data: ${summary.json})`);
    terminal.say(`report: ${summary.report}`);
  },
});
