import { packageVersion } from '../common/version.ts';
import { compare } from '../jobs/compare/compare.ts';
import type { CompareEvent } from '../jobs/compare/events.ts';
import { judgeKey } from '../jobs/compare/judge/judge.ts';
import { triedText } from '../jobs/compare/search.ts';
import { compareSchema } from '../jobs/compare/task-settings.ts';
import { digitsOf, verdictOf } from '../results/numbers.ts';
import { markedMetric, markedTitle, metricRemarks, remarkLines } from '../results/remarks.ts';
import type { Results } from '../results/results.ts';
import { duration, type Terminal, TimeLeft, TotalLeft, table } from './terminal.ts';
import { defineVerb, showSettings } from './verb.ts';

export const compareVerb = defineVerb({
  name: 'compare',
  summary:
    'Every method under one harness: adapts the model to the task, searches hyper-parameters on development users, trains and asks each method for the target users, and writes the table and a report.',
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
    terminal.say(`${duration(now() - start)}; texts: ${summary.answers}`);
    terminal.say(`tables: ${summary.markdown} (data: ${summary.json})`);
    terminal.say(`report: ${summary.report}`);
  },
});

/** Methods by metrics, means over users. */
export function resultRows({ metrics, methods }: Pick<Results, 'metrics' | 'methods'>): string[][] {
  const arrow = { higher: '↑', lower: '↓' };
  return [
    ['', ...metrics.map(metric => `${markedMetric(metric)} ${arrow[metric.better]}`)],
    ...methods.map(method => [
      markedTitle(method, methods),
      ...metrics.map(metric => method.metrics[metric.name]?.mean.toFixed(digitsOf(metric)) ?? ''),
    ]),
  ];
}

const IN_WORDS = {
  better: 'better',
  worse: 'worse',
  untold: 'not told apart',
  chance: 'not told apart',
  few: 'too few users to tell',
  alone: 'one user is too few to tell',
  untested: 'not tested',
};

/** The anchor against every other method by the first metric, in words. */
export function standing({ anchor, metrics, methods, comparisons, users }: Results): string {
  const titleOf = (name: string) => methods.find(method => method.name === name)!.title;
  const [first] = metrics;
  const lines = comparisons
    .filter(({ metric }) => metric === first!.name)
    .map(comparison => {
      const { method, mean, low, high, adjustedP } = comparison;
      const verdict = IN_WORDS[verdictOf(comparison, users.length)];
      const sign = mean < 0 ? '' : '+';
      return `  against ${titleOf(method)}: ${sign}${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ${verdict}; p ${adjustedP.toFixed(3)} corrected for ${methods.length - 1} comparisons`;
    });
  return lines.length === 0 ? '' : [`${titleOf(anchor)} by ${first!.title}:`, ...lines].join('\n');
}

/** A line for each stage and try, and a progress line with the time left below it. */
export function compareReporter(terminal: Terminal): (event: CompareEvent) => void {
  let clock = new TimeLeft();
  /** Of a training: steps behind, of which so many by an earlier call, which say nothing of the time left. */
  let steps = { done: 0, before: 0, total: 0 };
  let what = '';
  const told = new Set<string>();
  let isForecast = false;
  /** Of the stages of a forecast; null where there is none. */
  let overall: TotalLeft | null = null;
  const progress = (text: string, done: number, total: number, before = 0) => {
    if (text !== what) [what, clock] = [text, new TimeLeft()];
    const left = clock.after(done - before, total - before);
    terminal.progress(
      `${text} ${done}/${total} ${left}${overall ? `; ${overall.text(clock, done - before, total - before)}` : ''}`,
    );
  };
  const note = (message: string) => {
    if (!told.has(message)) terminal.say(`note: ${message}`);
    told.add(message);
  };
  return event => {
    switch (event.type) {
      case 'notice':
        note(event.message);
        break;
      case 'forecast': {
        const { low, likely, high } = event.seconds;
        const about = `about ${duration(1000 * likely)}`;
        const range = `${duration(1000 * low)} to ${duration(1000 * high)}`;
        terminal.say(
          `this will take ${about} (${range}), judging by a few seconds of the same work; Ctrl-C loses at most one user's work, and the same command continues`,
        );
        isForecast = true;
        break;
      }
      case 'stage':
        what = '';
        overall = isForecast ? new TotalLeft(event.ahead) : null;
        terminal.say(event.total > 0 ? `[${event.done + 1}/${event.total}] ${event.name}` : event.name);
        break;
      case 'progress':
        progress(event.what, event.done, event.total);
        break;
      case 'tried': {
        terminal.say(`  ${triedText(event.tried)}`);
        break;
      }
      case 'adapt':
        if (event.event.type === 'notice') note(event.event.message);
        if (event.event.type === 'start') steps = { done: 0, before: 0, total: event.event.steps };
        if (event.event.type === 'resume') steps = { ...steps, before: event.event.step };
        if (event.event.type === 'step') {
          progress('task adaptation, step', event.event.step, steps.total, steps.before);
        }
        if (event.event.type === 'score') progress('held-out records', event.event.done, event.event.total);
        break;
      case 'train':
        if (event.event.type === 'notice') note(event.event.message);
        if (event.event.type === 'start') steps = { done: 0, before: 0, total: event.event.steps };
        if (event.event.type === 'resume') {
          const { step } = event.event;
          steps = { ...steps, done: steps.done + step, before: steps.before + step };
        }
        if (event.event.type === 'step') progress('training step', ++steps.done, steps.total, steps.before);
        if (event.event.type === 'reference') progress('reference scores', event.event.done, event.event.total);
        if (event.event.type === 'embedding') progress('embedding texts', event.event.done, event.event.total);
        break;
      default:
        event satisfies never;
    }
  };
}
