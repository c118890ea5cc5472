/** The folder of a run: where its files are, whether it is the same run, and what is finished. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError, invariant } from '../common/errors.ts';
import { appendText, exists, isStaging, makeFolder, removeStaging, sha256, writeFileAtomic } from '../common/files.ts';
import { inputError } from '../common/input-file.ts';
import { refuseLinksOutside } from '../common/links.ts';
import { takeLock } from '../common/lock.ts';
import { readOwnJson, readOwnLines } from '../common/own-file.ts';
import { printable } from '../common/printable.ts';
import type { Resolved } from '../common/settings.ts';
import type { NamedTensor } from '../model/safetensors.ts';
import { isWholeAdapter } from '../model/whole-adapter.ts';
import type { OverlapEstimate } from '../overlap/estimate.ts';
import { readEstimates, writeEstimates } from '../overlap/estimates-file.ts';
import { folderName } from './folder-names.ts';
import { type RunRecord, type RunSources, requireSameRun, runSchema } from './run-record.ts';
import type { LoggedStep, RunStore } from './run-store.ts';
import { type Expected, loadState, removeState, type SavedProgress, saveState } from './training-state.ts';

/** What may differ when a run is continued. */
export interface OpenOptions {
  /** Settings that may differ. */
  readonly notIdentity: readonly string[];
  /** Sources that may differ, and what to do in the folder before the new ones are recorded. */
  readonly mayChange?: readonly (keyof RunSources)[];
  readonly beforeChange?: () => Promise<void>;
}

/** JSON has no numbers that are not finite, and writes null for them. */
const stepSchema = z
  .object({ user: z.string(), step: z.int() })
  .catchall(z.union([z.number(), z.string(), z.null()]))
  .transform(step => step as LoggedStep);

export class RunFolder implements RunStore {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get configFile(): string {
    return join(this.path, 'run.json');
  }

  get metricsFile(): string {
    return join(this.path, 'metrics.jsonl');
  }

  /** The division into targets and others, where there is one; other commands read it through `targetUsers`. */
  get usersFile(): string {
    return join(this.path, 'users.json');
  }

  /** Holds one PEFT folder per user, as expected by servers that look adapters up by name. */
  get adapters(): string {
    return join(this.path, 'adapters');
  }

  /** Each user's estimated alpha, where none was given. */
  get overlapFile(): string {
    return join(this.path, 'overlap.json');
  }

  async readOverlaps(): Promise<Map<string, OverlapEstimate>> {
    return (await readEstimates(this.overlapFile)) ?? new Map();
  }

  async writeOverlaps(estimates: ReadonlyMap<string, OverlapEstimate>): Promise<void> {
    await writeEstimates(this.overlapFile, estimates);
  }

  adapterOf(user: string): string {
    return join(this.adapters, folderName(user));
  }

  weightsOf(user: string): string {
    return join(this.adapterOf(user), 'adapter_model.safetensors');
  }

  /** Checkpoints of adapters that are not finished. */
  get states(): string {
    return join(this.path, 'state');
  }

  /** Where a user's checkpoint is until the adapter is finished. */
  stateOf(user: string): string {
    return join(this.states, folderName(user));
  }

  /** What each adapter was trained on; see `lineage.ts`. */
  get lineage(): string {
    return join(this.path, 'lineage');
  }

  lineageOf(user: string): string {
    return join(this.lineage, `${folderName(user)}.json`);
  }

  /** Scores of a user's held-out texts with adapters of the run, so that none is computed twice. */
  scoresOf(user: string): string {
    return join(this.path, 'scores', `${folderName(user)}.txt`);
  }

  /** Whether there is an adapter, damaged or not. */
  async hasAdapter(user: string): Promise<boolean> {
    return exists(this.weightsOf(user));
  }

  /** Whether there is a whole adapter. */
  async isFinished(user: string): Promise<boolean> {
    return isWholeAdapter(this.adapterOf(user));
  }

  /**
   * Makes the folder, or recognises the run in it.
   *
   * @throws IdiolectError CONFIG when the folder holds a run with other settings, another model or other data
   */
  async open<T>(
    resolved: Resolved<T>,
    sources: RunSources,
    version: string,
    { notIdentity, mayChange = [], beforeChange }: OpenOptions,
  ): Promise<void> {
    await makeFolder(this.path);
    const before = await this.read();
    await removeStaging(this.path);
    const settings = Object.fromEntries(
      Object.entries(resolved.origins).map(([key, origin]) => [
        key,
        { value: (resolved.values as Record<string, unknown>)[key], origin },
      ]),
    );
    if (before) requireSameRun(before, { version, sources, settings }, this.path, { notIdentity, mayChange });
    await beforeChange?.();
    await writeFileAtomic(this.configFile, `${JSON.stringify({ version, sources, settings }, null, 2)}\n`);
  }

  /**
   * The record of the run, or null where there is none.
   *
   * @throws IdiolectError CONFIG where it is damaged
   */
  async read(): Promise<RunRecord | null> {
    const remedy = 'Put a copy of it back, or train again in another `out`.';
    return (await readOwnJson(this.configFile, { schema: runSchema, remedy })) ?? null;
  }

  /**
   * Drops the list of users that were asked for, since it names them; repeating the command restores it.
   *
   * @param division fingerprint of the division of users that is left, where there is one
   */
  async forgetUsers(division: string | undefined): Promise<void> {
    const record = await this.read();
    invariant(record, 'a run is read before a user is taken out of it');
    const { users: list, ...settings } = record.settings;
    const { users: _, ...sources } = record.sources;
    const left = {
      ...record,
      sources: { ...sources, ...(division !== undefined && { users: division }) },
      settings: { ...settings, ...(list && { users: { origin: list.origin } }) },
    };
    await writeFileAtomic(this.configFile, `${JSON.stringify(left, null, 2)}\n`);
  }

  /**
   * Equal for runs that train the same adapters, wherever they and their files are.
   *
   * @param notIdentity settings that may differ
   * @param mayChange sources that may differ
   */
  async identity(notIdentity: readonly string[], mayChange: readonly (keyof RunSources)[] = []): Promise<string> {
    const record = await this.read();
    invariant(record, 'a run is opened before it is asked for its identity');
    const isFree = (source: string) => source === 'commit' || (mayChange as readonly string[]).includes(source);
    const sources = Object.entries(record.sources).filter(([source]) => !isFree(source));
    const values = Object.entries(record.settings).flatMap(([key, { value }]) =>
      notIdentity.includes(key) ? [] : [[key, value]],
    );
    return sha256(JSON.stringify([sources.sort(), values.sort()]));
  }

  /**
   * Takes the folder for this process; a lock left by a process that is gone is taken over.
   *
   * @param handedOver files that another job of idiolect puts here before the run begins
   * @throws IdiolectError CONFIG for a folder that is in use, that is not empty and was not made by a run, or that has
   *   a link leading out of it
   */
  async lock(handedOver: readonly string[] = []): Promise<() => Promise<void>> {
    await this.#requireOurs(handedOver);
    return takeLock(join(this.path, '.lock'), this.path, 'Wait for it, or choose another `out`.');
  }

  async #requireOurs(handedOver: readonly string[]): Promise<void> {
    if (await exists(this.configFile)) return refuseLinksOutside(this.path);
    const names = await readdir(this.path).catch(error => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw inputError(this.path, error, 'CONFIG');
    });
    const isOurs = (name: string) => name === '.lock' || isStaging(name) || handedOver.includes(name);
    const others = names.filter(name => !isOurs(name));
    if (others.length === 0) return;
    throw new IdiolectError(
      'CONFIG',
      `${this.path} is not empty, and was not made by a run: it holds ${printable(others[0]!)} and no run.json. ` +
        'Choose another `out`, or an empty folder.',
    );
  }

  /**
   * What was logged, step by step; a last line cut short by a kill is skipped.
   *
   * @throws IdiolectError CONFIG naming any other damaged line
   */
  async readMetrics(): Promise<LoggedStep[]> {
    return readOwnLines(this.metricsFile, {
      schema: stepSchema,
      remedy: 'Delete that line; its step is then missing.',
    });
  }

  async appendStep(line: Readonly<Record<string, unknown>>): Promise<void> {
    await appendText(this.metricsFile, `${JSON.stringify(line)}\n`);
  }

  async loadState<T extends NamedTensor>(name: string, expected: Expected<T>): Promise<SavedProgress<T> | null> {
    await makeFolder(this.stateOf(name));
    return loadState(this.stateOf(name), expected);
  }

  async saveState<T extends NamedTensor>(name: string, training: string, progress: SavedProgress<T>): Promise<void> {
    await saveState(this.stateOf(name), training, progress);
  }

  async removeState(name: string): Promise<void> {
    await removeState(this.stateOf(name));
  }

  /** Forgets what was logged of a user beyond `step`: those steps will be done, and logged, again. */
  async truncateMetrics(user: string, step: number): Promise<void> {
    // Always rewritten, as half a line that a kill left would spoil the next one.
    if (!(await exists(this.metricsFile))) return;
    const kept = (await this.readMetrics()).filter(entry => entry.user !== user || entry.step <= step);
    await writeFileAtomic(this.metricsFile, kept.map(entry => `${JSON.stringify(entry)}\n`).join(''));
  }
}
