/** Opens a finished run again: its settings, model and data, checked to be the ones it was made with. */

import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { refuseLinksOutside } from '../common/links.ts';
import { namesOf } from '../common/name-list.ts';
import { schemaIssue } from '../common/schema-issue.ts';
import { setting } from '../common/wording.ts';
import type { Dataset } from '../histories/dataset.ts';
import { splitFingerprint } from '../histories/index.ts';
import { atCommit } from '../hub/hub.ts';
import type { ModelEngineOptions } from '../language-model/model-session.ts';
import { readLineages } from '../runs/lineage.ts';
import { RunFolder } from '../runs/run-folder.ts';
import type { RunSources } from '../runs/run-record.ts';
import { userNamed, userWithAdapter } from '../runs/run-users.ts';
import { type TrainSettings, trainSchema } from '../runs/settings.ts';
import { type OpenContext, type Opened, withOpened } from './opened.ts';

/** What a run folder records. */
export interface RecordedRun {
  readonly folder: RunFolder;
  readonly settings: TrainSettings;
  readonly sources: RunSources;
}

/** A run with its model and data; records are encoded as the run did. */
export interface OpenRun extends RecordedRun, Opened {
  /** Users with an adapter, in the data's order. */
  readonly trained: readonly string[];
}

export interface RunPlace {
  readonly run: string;
  /** The new places of model and data, if they were moved. */
  readonly model?: string;
  readonly data?: string;
}

/** @throws IdiolectError CONFIG when the folder holds no run */
export async function readRun({ run, model, data }: RunPlace): Promise<RecordedRun> {
  const folder = new RunFolder(run);
  const record = await folder.read();
  if (!record) throw new IdiolectError('CONFIG', `${run} is not a run: there is no run.json. Train first.`);
  await refuseLinksOutside(run);
  const saved = Object.fromEntries(Object.entries(record.settings).map(([key, { value }]) => [key, value]));
  const parsed = trainSchema.safeParse({
    ...saved,
    // A model name means the commit it stood for during training.
    ...(record.sources.commit !== undefined && { model: atCommit(String(saved.model), record.sources.commit) }),
    // The run's own copy of the division, wherever the original file is now.
    targetUsers: (await exists(folder.usersFile)) ? folder.usersFile : undefined,
    ...(model && { model }),
    ...(data && { data }),
  });
  if (!parsed.success) {
    throw new IdiolectError(
      'CONFIG',
      `${folder.configFile}: the setting ${schemaIssue(parsed.error)}. Restore its value from training, or train again in another ${setting('out')}.`,
    );
  }
  const settings = parsed.data;
  return { folder, settings, sources: record.sources };
}

/**
 * Opens the model and the data of a run for some work, and closes the model after it.
 *
 * @throws IdiolectError CONFIG when the folder holds no run, or the model or the data is not the one it was made with
 */
export async function withRun<T>(
  place: RunPlace & ModelEngineOptions,
  context: OpenContext,
  work: (run: OpenRun) => Promise<T>,
): Promise<T> {
  const recorded = await readRun(place);
  const { device, threads, base } = place;
  const settings = { ...recorded.settings, device, threads, base };
  return withOpened(settings, context, async opened => work(await runOn(opened, recorded)));
}

/**
 * A run whose model and data are already open. @throws IdiolectError CONFIG where they are not the ones it was made
 * with
 */
export async function runOn(opened: Opened, recorded: RecordedRun): Promise<OpenRun> {
  const { settings, sources, folder } = recorded;
  const { model, dataset } = opened;
  requireSame('model', settings.model, sources.model, model.checkpoint.fingerprint);
  requireSame('data', settings.data, sources.data, dataset.fingerprint);
  requireSameUsers(folder, sources, dataset);
  return { ...recorded, ...opened, trained: await trainedUsers(folder, dataset) };
}

/**
 * Users of the data whose adapter in the folder was trained on exactly these records of theirs: an adapter trained on
 * other records may have learnt what is held out now.
 */
export async function trainedUsers(folder: RunFolder, { users }: Dataset): Promise<string[]> {
  const lineages = await readLineages(folder);
  const trained: string[] = [];
  for (const [user, { fingerprint }] of users) {
    const lineage = lineages.get(user); // earlier versions kept none
    if ((await folder.hasAdapter(user)) && (!lineage || lineage.inputs?.own === fingerprint)) trained.push(user);
  }
  return trained;
}

/**
 * The users named, or all that have an adapter.
 *
 * @throws IdiolectError DATA naming a user without an adapter, or where there are no adapters
 */
export function chooseUsers(names: string | undefined, trained: readonly string[], run: string): readonly string[] {
  if (trained.length === 0) throw new IdiolectError('DATA', `${run} has no adapter yet. Train first.`);
  if (names === undefined) return trained;
  return namesOf(names, trained, 'users').map(name => userNamed(name, trained, run));
}

/**
 * The folder of a user's adapter in a run.
 *
 * @throws IdiolectError DATA naming the nearest user where the user has none
 */
export async function adapterFolder({ folder }: RecordedRun, user: string): Promise<string> {
  return folder.adapterOf(await userWithAdapter(user, folder));
}

/** @throws IdiolectError CONFIG where a run was made with something else */
export function requireSame(what: string, place: string, expected: string, found: string): void {
  if (expected === found) return;
  const train = what === 'data' ? ', or, if it has new records, train on it first with the same command as before' : '';
  throw new IdiolectError(
    'CONFIG',
    `${place} is not the ${what} the run was made with. Name the right one with ${setting(what)}${train}.`,
  );
}

/** The division decides which users are targets, and so what an adapter is compared with. */
function requireSameUsers({ usersFile }: RunFolder, { users }: RunSources, { split }: Dataset): void {
  if (users === (split ? splitFingerprint(split) : undefined)) return;
  throw new IdiolectError(
    'CONFIG',
    `${usersFile} is missing or is not the division of users the run was made with. Put a copy of it back, or train again in another ${setting('out')}.`,
  );
}
