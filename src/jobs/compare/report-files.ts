/** Writes the reports of a comparison: results.md to quote, results.json to compute with, report.html to look at. */
import { basename, join } from 'node:path';
import { z } from 'zod';
import { counted } from '../../common/counted.ts';
import { PRIVATE, writeFileAtomic } from '../../common/files.ts';
import { readOwnJson } from '../../common/own-file.ts';
import type { Resolved } from '../../common/settings.ts';
import { flagName } from '../../common/wording.ts';
import type { OverlapEstimate } from '../../overlap/estimate.ts';
import type { UniquenessGroup } from '../../overlap/uniqueness.ts';
import type { MethodAnswers } from '../../results/answer.ts';
import type { JudgeResults } from '../../results/judge-results.ts';
import { markdownText } from '../../results/markdown-table.ts';
import { paperTable } from '../../results/paper-table.ts';
import { reportHtml } from '../../results/report/report.ts';
import type { ResultMetric, Results } from '../../results/results.ts';
import { resultsMarkdown } from '../../results/results-markdown.ts';
import type { Division } from './division.ts';
import { type TriedSetting, triedText } from './search.ts';
import type { StageCost } from './stages.ts';
import type { ClosedSettings } from './task-settings.ts';

export interface ComparisonOutcome {
  /** Fingerprints of model and data. */
  readonly sources: { readonly model: string; readonly data: string };
  readonly settings: Resolved<ClosedSettings>;
  readonly results: Results;
  readonly judged?: JudgeResults;
  readonly methods: readonly MethodAnswers[];
  readonly division: Division;
  readonly groups: ReadonlyMap<string, UniquenessGroup>;
  readonly search: readonly TriedSetting[];
  /** What the tries were chosen by. */
  readonly criterion: ResultMetric;
  /** Why the first metric is not the task's. */
  readonly metricsNote: string | undefined;
  readonly costs: readonly StageCost[];
  /** The evaluated users' estimated alphas, where a method needed them. */
  readonly alphas: ReadonlyMap<string, OverlapEstimate>;
}

export interface ComparisonReports {
  readonly results: Results;
  readonly judged?: JudgeResults;
  readonly search: readonly TriedSetting[];
  readonly markdown: string;
  readonly json: string;
  readonly report: string;
  /** The folder of the generated texts. */
  readonly answers: string;
}

/** What all methods have in common, and which train for twice as long. */
function sharedText({ results }: ComparisonOutcome): string {
  const goOn = results.methods.filter(({ name }) => name === 'dpo' || name === 'cope').map(({ title }) => title);
  const twice =
    goOn.length === 0
      ? ''
      : ` ${goOn.join(' and ')} ${goOn.length > 1 ? 'continue' : 'continues'} from the OPPU adapter, which makes the training twice as long.`;
  return `All methods have the same data, prompts, LoRA settings, own records per step and greedy decoding, and the same number of steps where there are enough of others' records; the differences are listed below.${twice}`;
}

export async function writeReports(outcome: ComparisonOutcome): Promise<ComparisonReports> {
  const { results, judged, search, costs, division } = outcome;
  const { values: settings, origins } = outcome.settings;
  const { out, task, data } = settings;
  const title = task === undefined ? `Comparison on ${basename(data)}` : `Comparison on ${task}`;
  const searchNote = searchText(outcome);
  const lost = cutText(outcome.methods);
  const markdown = join(out, 'results.md');
  const json = join(out, 'results.json');
  const report = join(out, 'report.html');
  const paper = task === undefined ? undefined : paperTable(task);
  const shared = sharedText(outcome);
  const measured = outcome.metricsNote === undefined ? [] : [outcome.metricsNote];
  const notes = [factsText(outcome), ...measured, searchNote, shared, ...lost];
  await writeFileAtomic(
    markdown,
    resultsMarkdown(results, { title, notes, ...(paper && { paper }), ...(judged && { judged }) }),
  );
  const content = { results, judged, search, searchNote, costs, users: division, settings, origins };
  await writeFileAtomic(json, `${JSON.stringify(content, null, 1)}\n`, PRIVATE);
  await writeFileAtomic(report, await htmlOf(title, searchNote, [...measured, shared, ...lost], outcome), PRIVATE);
  return {
    results,
    ...(judged && { judged }),
    search,
    markdown,
    json,
    report,
    answers: join(out, 'targets', 'answers'),
  };
}

function searchText({ search, criterion, results, division }: ComparisonOutcome): string {
  if (search.length === 0) return 'Nothing was searched: the first value of each list was taken.';
  const by = results.metrics.find(({ name }) => name === criterion)!;
  const tries = Math.max(...search.map(({ method }) => search.filter(entry => entry.method === method).length));
  const ends = search.filter(({ chosen, settings, method }) => {
    return (
      chosen &&
      isAtEdge(
        settings,
        search.filter(entry => entry.method === method),
      )
    );
  });
  const edge =
    ends.length === 0 ? '' : ` At the edge of what was tried: ${ends.map(({ method }) => method).join(', ')}.`;
  return `Hyper-parameters were chosen by ${by.title} on ${counted(division.development.length, 'development user')}, who are not evaluated: ${counted(tries, 'try', 'tries')} each for ${[...new Set(search.map(({ method }) => method))].join(', ')}.${tiesText(search, by.title)}${edge}`;
}

/** Says where tries tied by the criterion. */
function tiesText(search: readonly TriedSetting[], criterion: string): string {
  const tied = search.filter(({ likelihood }) => likelihood !== undefined);
  if (tied.length === 0) return '';
  const methods = [...new Set(tied.map(({ method }) => method))].join(', ');
  return ` The best ${criterion} was the same for several tries of ${methods}; there the log-likelihood of what those users wrote decided.`;
}

/** The largest or smallest learning rate of a method's tries: a better one may be beyond. */
function isAtEdge(settings: string, tries: readonly TriedSetting[]): boolean {
  const rates = tries.flatMap(entry => (entry.settings.startsWith('lr ') ? [Number(entry.settings.slice(3))] : []));
  const rate = Number(settings.replace('lr ', ''));
  return settings.startsWith('lr ') && (rate === Math.max(...rates) || rate === Math.min(...rates));
}

/** The model, data and settings compared, so that the tables can be cited by themselves. */
function factsText({ settings: { values }, sources, division, search }: ComparisonOutcome): string {
  const { model, data, seed, epochs, rank, loraAlpha, maxTokens, maxLength, skipAdaptation } = values;
  const adapted = skipAdaptation
    ? 'no task adaptation'
    : `task adaptation on ${counted(division.others.length, 'other user')}`;
  const lines = [
    `Backbone ${markdownText(basename(model))} (${sources.model.slice(0, 12)}), data ${markdownText(basename(data))} (${sources.data.slice(0, 12)}), ${adapted}; seed ${seed}, ${counted(epochs, 'epoch')}, LoRA r ${rank} alpha ${loraAlpha}, at most ${maxLength} tokens of which ${maxTokens} of an answer.`,
    ...search.map(triedText),
  ];
  return lines.length === 1 ? lines[0]! : `${lines[0]}\n\nTries: ${lines.slice(1).join('; ')}.`;
}

/** How many prompts lost something to the length limit, by method. */
function cutText(methods: readonly MethodAnswers[]): string[] {
  return methods.flatMap(({ name, title, users }) => {
    const answers = [...users.values()].flat();
    const cut = answers.filter(({ promptCut }) => promptCut).length;
    const short = answers.filter(({ shown = 0, found = 0 }) => shown < found).length;
    return [
      ...(cut > 0 ? [`${title}: ${cut} of ${counted(answers.length, 'prompt')} lost the beginning: too long.`] : []),
      ...(short > 0
        ? [
            `${title}: ${short} of ${counted(answers.length, 'prompt')} had no room for ${name === 'pag' ? 'the whole description' : 'all records that were found'}.`,
          ]
        : []),
    ];
  });
}

const truthSchema = z.object({ users: z.array(z.object({ user: z.string(), mixtureProportion: z.number() })) });

async function htmlOf(
  title: string,
  searchNote: string,
  notes: readonly string[],
  outcome: ComparisonOutcome,
): Promise<string> {
  const { results, methods, division, groups, search, costs, alphas } = outcome;
  const { values: settings, origins } = outcome.settings;
  // Present for simulated users; the mixture proportion is what the estimators estimate (docs/simulate.md).
  const truth = await readOwnJson(`${settings.data}.truth.json`, {
    schema: truthSchema,
    remedy: 'Remove it, or simulate the users again.',
    code: 'DATA',
  });
  const trueAlphas = new Map(truth?.users.map(({ user, mixtureProportion }) => [user, mixtureProportion]) ?? []);
  const users = division.targets.map(user => ({
    user,
    ...(groups.has(user) && { group: groups.get(user)! }),
    ...(alphas.has(user) && { alpha: alphas.get(user)!.alpha }),
    ...(trueAlphas.has(user) && { trueAlpha: trueAlphas.get(user)! }),
  }));
  return reportHtml({
    title,
    facts: [
      { name: 'Backbone', value: basename(settings.model) },
      { name: 'Data', value: basename(settings.data) },
      { name: 'Users evaluated', value: `${division.targets.length}, ${counted(results.queries, 'text')} asked for` },
      { name: 'Development users', value: String(division.development.length) },
      {
        name: 'Task adaptation',
        value: settings.skipAdaptation ? 'none' : `on ${counted(division.others.length, 'other user')}`,
      },
    ],
    results,
    methods,
    users,
    search,
    searchNote,
    costs,
    settings: Object.entries(origins).flatMap(([key, origin]) => {
      const value = (settings as Record<string, unknown>)[key];
      return value === undefined ? [] : [{ name: flagName(key), value: JSON.stringify(value), origin }];
    }),
    notes,
  });
}
