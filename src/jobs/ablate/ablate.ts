/** `idiolect ablate`: one training run for each combination of settings, scored on the users' held-out records. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { IdiolectError } from '../../common/errors.ts';
import { exists, makeFolder, removeDeadStaging, writeFileAtomic } from '../../common/files.ts';
import { printable } from '../../common/printable.ts';
import { random } from '../../common/random.ts';
import { type Resolved, resolveSettings } from '../../common/settings.ts';
import { objectiveNamed, type TrainableObjective } from '../../objectives/objectives.ts';
import { UNIQUENESS_GROUPS, type UniquenessGroup } from '../../overlap/uniqueness.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { type TrainSettings, trainSchema } from '../../runs/settings.ts';
import { bootstrapMean, type Estimate } from '../../statistics/intervals.ts';
import { overlapReportSchema, uniquenessGroups } from '../overlap/overlap-report.ts';
import { type HeldOutScores, scoreRun, scoreSchema, type UserScore } from '../score/held-out.ts';
import { keepScores, readKeptScores } from '../score/kept-scores.ts';
import { requireAllTrained, type TrainEvent, type TrainSummary, train } from '../train/train.ts';
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

export interface AblateOptions {
  readonly version: string;
  /** Of the caller's own, which `method` may name. */
  readonly objectives?: readonly TrainableObjective[];
  readonly onRun?: (name: string, index: number, total: number) => void;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Trains and scores every cell of every sweep, each once, and writes ablation.json, ablation.md and a picture a sweep.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function ablate(
  { values, origins }: Resolved<AblateSettings>,
  options: AblateOptions,
): Promise<AblationSummary> {
  const { sweep, out, ...shared } = values;
  const sweeps = parseSweeps(sweep).map(parsed => ({
    settings: parsed.axes.map(({ key }) => key),
    cells: cellsOf(parsed),
  }));
  // Cells of different sweeps may be the same run, as where a default is written out: it is done once.
  const runs = new Map<string, { folder: string; resolved: Resolved<TrainSettings> }>();
  const runOf = (cell: Cell) => {
    const folder = join(out, 'cells', cellFolder(cell));
    const resolved = cellSettings(cell, shared, origins, folder);
    const { out: _, ...identity } = resolved.values;
    const key = JSON.stringify(identity);
    if (!runs.has(key)) runs.set(key, { folder, resolved });
    return runs.get(key)!;
  };
  for (const { cells } of sweeps) cells.forEach(runOf);
  // An unknown objective in the last cell is found before the first one is trained.
  for (const { resolved } of runs.values()) objectiveNamed(resolved.values.method, options.objectives);
  await requireOurs(out);
  const groups = await groupsOf(values, options);
  const measured = new Map<string, RunResult>();
  for (const { folder, resolved } of runs.values()) {
    options.onRun?.(basename(folder), measured.size + 1, runs.size);
    measured.set(folder, await trainAndScore(resolved, groups, options));
  }

  const results = sweeps.map(({ settings, cells }) => {
    const [first, ...others] = cells.map(
      (cell): CellResult => ({ name: cell.name, texts: cell.texts, ...measured.get(runOf(cell).folder)! }),
    );
    return { settings, cells: [first!, ...others.map(cell => ({ ...cell, difference: paired(cell, first!) }))] };
  });
  const report = join(out, 'ablation.md');
  const data = join(out, 'ablation.json');
  const pictures: string[] = [];
  for (const [i, result] of results.entries()) {
    const picture = join(out, `sweep-${i + 1}.svg`);
    await writeFileAtomic(picture, sweepChart(result));
    pictures.push(picture);
  }
  await writeFileAtomic(data, `${JSON.stringify({ settings: shared, sweeps: results }, null, 2)}\n`);
  await writeFileAtomic(
    report,
    ablationTables(
      results,
      pictures.map((_, i) => `sweep-${i + 1}.svg`),
    ),
  );
  return { report, data, pictures, sweeps: results };
}

/** @throws IdiolectError CONFIG for a folder that is not empty and was not begun by an ablation: it is somebody else's */
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
    `${out} is not empty, and no ablation began there: it holds ${printable(other)} and no runs in cells/. ` +
      'Choose another --out, or an empty folder.',
  );
}

/** The settings of a cell: those given for all, those of the sweep, and defaults left defaults in the run's record. */
function cellSettings(
  cell: Cell,
  shared: Readonly<Record<string, unknown>>,
  origins: Readonly<Record<string, string>>,
  out: string,
): Resolved<TrainSettings> {
  const given = Object.entries(shared).filter(([key]) => origins[key] !== 'default' && !(key in cell.settings));
  return resolveSettings(trainSchema, [
    { origin: 'ablation', values: { ...Object.fromEntries(given), out } },
    { origin: 'sweep', values: cell.settings },
  ]);
}

async function trainAndScore(
  resolved: Resolved<TrainSettings>,
  groups: ReadonlyMap<string, UniquenessGroup>,
  options: AblateOptions,
): Promise<RunResult> {
  const run = await train(resolved, options);
  requireAllTrained(run);
  const scores = await scoresOf(run, resolved.values, options);
  return {
    ...scores,
    groups: byGroup(scores.users, groups),
    ...(run.clippedShare !== undefined && { clippedShare: run.clippedShare }),
    ...(await finalKl(run)),
  };
}

/** Who is how unlike the others, by the records and the model all cells share. */
async function groupsOf(values: AblateSettings, options: AblateOptions): Promise<ReadonlyMap<string, UniquenessGroup>> {
  const settings = overlapReportSchema.parse({ ...values, historyShare: 1 });
  return uniquenessGroups(settings, {
    ...(options.signal && { signal: options.signal }),
    onText: (done, total) => options.onEvent?.({ type: 'embedding', done, total }),
  });
}

function byGroup(users: readonly UserScore[], groups: ReadonlyMap<string, UniquenessGroup>): GroupResult[] {
  return UNIQUENESS_GROUPS.flatMap(group => {
    const gains = users.filter(({ user }) => groups.get(user) === group).map(({ adapter, base }) => adapter - base);
    if (gains.length === 0) return [];
    return [{ group, users: gains.length, gain: bootstrapMean(gains, random(0, `gain/${group}`)) }];
  });
}

/** The scores of a run, kept beside it: a finished run is scored once. */
async function scoresOf(
  run: TrainSummary,
  { cache, device, threads }: TrainSettings,
  { signal }: AblateOptions,
): Promise<HeldOutScores> {
  const users = run.users.map(({ user }) => user);
  const kept = await readKeptScores(run.run, users);
  if (kept) return kept;
  const resolved = resolveSettings(scoreSchema, [
    { origin: 'ablation', values: { run: run.run, cache, device, threads } },
  ]);
  const scores = await scoreRun(resolved.values, { users, ...(signal && { signal }) });
  await keepScores(run.run, users, scores);
  return scores;
}

/** KL(pi || pi_ref) where each user's training ended, mean over users. */
async function finalKl(run: TrainSummary): Promise<{ kl?: number }> {
  const steps = await new RunFolder(run.run).readMetrics();
  const last = new Map(steps.flatMap(({ user, kl_reference: kl }) => (typeof kl === 'number' ? [[user, kl]] : [])));
  if (last.size === 0) return {};
  return { kl: [...last.values()].reduce((a, b) => a + b, 0) / last.size };
}

/** The gain of a cell minus that of another, by user. */
function paired(cell: CellResult, base: CellResult): Estimate {
  const before = new Map(base.users.map(score => [score.user, score.adapter - score.base]));
  const differences = cell.users.map(({ user, adapter, base: reference }) => {
    const other = before.get(user);
    if (other === undefined) {
      throw new IdiolectError('DATA', `the runs ${base.name} and ${cell.name} hold other users; choose another --out.`);
    }
    return adapter - reference - other;
  });
  return bootstrapMean(differences, random(0, 'difference'));
}
