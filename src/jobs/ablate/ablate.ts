/** `idiolect ablate`: one training run for each combination of settings, scored on the users' held-out records. */

import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { exists, makeFolder, removeDeadStaging, writeFileAtomic } from '../../common/files.ts';
import { nameListSchema } from '../../common/name-list.ts';
import { printable } from '../../common/printable.ts';
import { random } from '../../common/random.ts';
import { childSettings, type Given, type Resolved, resolveGiven } from '../../common/settings.ts';
import { setting } from '../../common/wording.ts';
import type { TrainableObjective } from '../../objectives/objectives.ts';
import { UNIQUENESS_GROUPS, type UniquenessGroup } from '../../overlap/uniqueness.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { type TrainSettings, trainSchema } from '../../runs/settings.ts';
import { bootstrapMean, type Estimate } from '../../statistics/intervals.ts';
import type { JobContext } from '../context.ts';
import { readRun, runOn } from '../open-run.ts';
import { type Opened, withOpened, withReopened } from '../opened.ts';
import { overlapReportSchema, uniquenessGroups } from '../overlap/overlap-report.ts';
import { type HeldOutScores, scoreOn, type UserScore } from '../score/held-out.ts';
import { keepScores, readKeptScores } from '../score/kept-scores.ts';
import { requireAllTrained, type TrainEvent, type TrainSummary } from '../train/events.ts';
import { requireTrainable, trainOn } from '../train/train.ts';
import { ablationTables, sweepChart } from './ablation-report.ts';
import type { CellResult, GroupResult, RunResult, SweepResult } from './ablation-results.ts';
import { type Cell, cellFolder, cellsOf, parseSweeps, sweepSchema } from './sweep.ts';

export const ablateSchema = trainSchema.extend({
  sweep: sweepSchema,
  out: trainSchema.shape.out.describe(
    'folder of the runs, tables and pictures; the same command continues where it stopped',
  ),
});

export type AblateSettings = z.infer<typeof ablateSchema>;

export interface AblationSummary {
  readonly report: string;
  readonly data: string;
  readonly pictures: readonly string[];
  readonly sweeps: readonly SweepResult[];
}

export interface AblateContext extends JobContext<AblateEvent> {
  /** The caller's own objectives, which `method` may name. */
  readonly objectives?: readonly TrainableObjective[];
}

/** The start of each run, the `index`-th of `total`, and the events of its training. */
export type AblateEvent =
  | { readonly type: 'run'; readonly name: string; readonly index: number; readonly total: number }
  | TrainEvent;

/** The training run of one combination of settings, shared by all cells that have it. */
interface CellRun {
  readonly folder: string;
  readonly resolved: Resolved<TrainSettings>;
}

/**
 * Trains and scores every distinct cell once, and writes ablation.json, ablation.md and one picture per sweep.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function ablate(given: Given<typeof ablateSchema>, context: AblateContext = {}): Promise<AblationSummary> {
  const parent = resolveGiven(ablateSchema, given);
  const { sweep, out, ...shared } = parent.values;
  const sweeps = parseSweeps(sweep).map(parsed => ({
    settings: parsed.axes.map(({ key }) => key),
    cells: cellsOf(parsed),
  }));
  const runs = runsOf(
    sweeps.flatMap(({ cells }) => cells),
    parent,
  );
  // An unknown objective in the last cell is found before the first one is trained.
  for (const { resolved } of runs.values()) requireTrainable(resolved.values, context.objectives);
  await requireOurs(out);
  const measured = await withOpened(parent.values, context, opened => measureRuns(opened, runs, parent, context));
  const results = sweeps.map(({ settings, cells }) => {
    const [first, ...others] = cells.map(
      (cell): CellResult => ({ name: cell.name, texts: cell.texts, ...measured.get(runs.get(cell)!.folder)! }),
    );
    return { settings, cells: [first!, ...others.map(cell => ({ ...cell, difference: paired(cell, first!) }))] };
  });
  return writeAblation(out, shared, results);
}

/**
 * The run of each cell. Cells of different sweeps share a run when their settings agree, such as a default and the same
 * value spelt out.
 */
function runsOf(cells: readonly Cell[], parent: Resolved<AblateSettings>): ReadonlyMap<Cell, CellRun> {
  const distinct = new Map<string, CellRun>();
  return new Map(
    cells.map(cell => {
      const folder = join(parent.values.out, 'cells', cellFolder(cell));
      const resolved = cellSettings(cell, parent, folder);
      const { out: _, ...identity } = resolved.values;
      const key = JSON.stringify(identity);
      if (!distinct.has(key)) distinct.set(key, { folder, resolved });
      return [cell, distinct.get(key)!];
    }),
  );
}

/** The result of each run, by its folder. */
async function measureRuns(
  opened: Opened,
  runs: ReadonlyMap<Cell, CellRun>,
  parent: Resolved<AblateSettings>,
  context: AblateContext,
): Promise<ReadonlyMap<string, RunResult>> {
  const groups = await groupsOf(opened, parent, context);
  const measured = new Map<string, RunResult>();
  const distinct = [...new Set(runs.values())];
  for (const { folder, resolved } of distinct) {
    context.onEvent?.({ type: 'run', name: basename(folder), index: measured.size + 1, total: distinct.length });
    const before = { ...opened, settings: parent.values };
    const result = await withReopened(before, resolved.values, context, again =>
      trainAndScore(again, resolved, groups, context),
    );
    measured.set(folder, result);
  }
  return measured;
}

async function writeAblation(
  out: string,
  settings: Omit<AblateSettings, 'sweep' | 'out'>,
  sweeps: readonly SweepResult[],
): Promise<AblationSummary> {
  const report = join(out, 'ablation.md');
  const data = join(out, 'ablation.json');
  const names = sweeps.map((_, i) => `sweep-${i + 1}.svg`);
  const pictures = names.map(name => join(out, name));
  for (const [i, sweep] of sweeps.entries()) await writeFileAtomic(pictures[i]!, sweepChart(sweep));
  await writeFileAtomic(data, `${JSON.stringify({ settings, sweeps }, null, 2)}\n`);
  await writeFileAtomic(report, ablationTables(sweeps, names));
  return { report, data, pictures, sweeps };
}

/** @throws IdiolectError CONFIG for a folder that is not empty and was not made by an ablation */
async function requireOurs(out: string): Promise<void> {
  await makeFolder(out);
  const other = (await readdir(out)).find(name => name !== 'cells');
  const cells = await readdir(join(out, 'cells')).catch(() => []);
  const isBegun = await Promise.all(cells.map(cell => exists(new RunFolder(join(out, 'cells', cell)).configFile)));
  if (other === undefined || isBegun.includes(true)) {
    return removeDeadStaging(out, name => /^(ablation|sweep-\d+)\.(md|json|svg)$/.test(name));
  }
  throw new IdiolectError(
    'CONFIG',
    `${out} is not empty, and was not made by an ablation: it holds ${printable(other)} and no runs in cells/. ` +
      'Choose another `out`, or an empty folder.',
  );
}

/** The settings of a cell: those shared by all cells, and the sweep's values for this one. */
function cellSettings(cell: Cell, parent: Resolved<AblateSettings>, out: string): Resolved<TrainSettings> {
  return childSettings(trainSchema, parent, {
    origin: 'ablation',
    keys: Object.keys(trainSchema.shape).filter(key => key !== 'out' && !(key in cell.settings)),
    layers: [
      { origin: 'ablation', values: { out } },
      { origin: 'sweep', values: cell.settings },
    ],
  });
}

async function trainAndScore(
  opened: Opened,
  resolved: Resolved<TrainSettings>,
  groups: ReadonlyMap<string, UniquenessGroup>,
  context: AblateContext,
): Promise<RunResult> {
  const run = await trainOn(opened, resolved, context);
  requireAllTrained(run);
  const scores = await scoresOf(opened, run, resolved.values, context);
  return {
    ...scores,
    groups: byGroup(scores.users, groups),
    ...(run.clippedShare !== undefined && { clippedShare: run.clippedShare }),
    ...(await finalKl(run)),
  };
}

/** How unlike the others each user is, measured on the records and the model that all cells share. */
async function groupsOf(
  opened: Opened,
  { values }: Resolved<AblateSettings>,
  { signal, onEvent }: AblateContext,
): Promise<ReadonlyMap<string, UniquenessGroup>> {
  const settings = overlapReportSchema.parse({ ...values, historyShare: 1 });
  return uniquenessGroups(opened, settings, {
    ...(signal && { signal }),
    onEvent: event => event.type === 'embedding' && onEvent?.(event),
  });
}

function byGroup(users: readonly UserScore[], groups: ReadonlyMap<string, UniquenessGroup>): GroupResult[] {
  return UNIQUENESS_GROUPS.flatMap(group => {
    const gains = users.filter(({ user }) => groups.get(user) === group).map(({ adapter, base }) => adapter - base);
    if (gains.length === 0) return [];
    return [{ group, users: gains.length, gain: bootstrapMean(gains, random(0, `gain/${group}`)) }];
  });
}

/** The scores of a run, kept in its folder so that a finished run is scored only once. */
async function scoresOf(
  opened: Opened,
  { run, users }: TrainSummary,
  { cache, device }: TrainSettings,
  { signal }: AblateContext,
): Promise<HeldOutScores> {
  const names = users.map(({ user }) => user);
  const kept = await readKeptScores(run, names);
  if (kept) return kept;
  const settings = { run, users: nameListSchema.parse(names), cache, device };
  const scores = await scoreOn(await runOn(opened, await readRun({ run })), settings, { ...(signal && { signal }) });
  await keepScores(run, names, scores);
  return scores;
}

/** KL(pi || pi_ref) at the end of each user's training, averaged over users. */
async function finalKl(run: TrainSummary): Promise<{ kl?: number }> {
  const steps = await new RunFolder(run.run).readMetrics();
  const last = new Map(steps.flatMap(({ user, kl_reference: kl }) => (typeof kl === 'number' ? [[user, kl]] : [])));
  if (last.size === 0) return {};
  return { kl: [...last.values()].reduce((a, b) => a + b, 0) / last.size };
}

/** The gain of a cell minus that of another, paired by user. */
function paired(cell: CellResult, base: CellResult): Estimate {
  const before = new Map(base.users.map(score => [score.user, score.adapter - score.base]));
  const differences = cell.users.map(({ user, adapter, base: reference }) => {
    const other = before.get(user);
    if (other === undefined) {
      throw new IdiolectError(
        'DATA',
        `the runs ${base.name} and ${cell.name} hold different users; choose another ${setting('out')}.`,
      );
    }
    return adapter - reference - other;
  });
  return bootstrapMean(differences, random(0, 'difference'));
}
