/** The folder of a run: what is where, whether it is the same run, and what is finished. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists, removeStaging, sha256, writeFileAtomic } from '../common/files.ts';
import { takeLock } from '../common/lock.ts';
import { flagName, type Resolved } from '../common/settings.ts';
import { splitFingerprint } from '../histories/index.ts';
import type { OverlapEstimate } from '../overlap/estimate.ts';
import type { LanguageModel } from '../runtime/language-model.ts';
import type { Dataset } from './dataset.ts';

/** What the adapters of a run depend on besides its settings. */
export interface RunSources {
  readonly model: string;
  /** The model's commit, where it is from a hub. */
  readonly commit?: string;
  readonly data: string;
  /** Fingerprint of the division into targets and others, where there is one. */
  readonly users?: string;
  /** SHA-256 of the rejected texts, where pairs are trained on. */
  readonly rejected?: string;
  /** Fingerprint of the run whose adapters, or of the model whose weights, training starts from. */
  readonly start?: string;
}

export function sourcesOf({ checkpoint }: LanguageModel, { fingerprint, split }: Dataset): RunSources {
  return {
    model: checkpoint.fingerprint,
    ...(checkpoint.commit !== undefined && { commit: checkpoint.commit }),
    data: fingerprint,
    ...(split && { users: splitFingerprint(split) }),
  };
}

const runSchema = z.object({
  version: z.string(),
  /** As `RunSources` says: fingerprints and hashes, and the model's commit. */
  sources: z.object({
    model: z.string(),
    commit: z.string().optional(),
    data: z.string(),
    users: z.string().optional(),
    rejected: z.string().optional(),
    start: z.string().optional(),
  }),
  settings: z.record(z.string(), z.object({ value: z.unknown().optional(), origin: z.string() })),
});

export type RunRecord = z.infer<typeof runSchema>;

/** A line of metrics.jsonl. */
export interface LoggedStep {
  readonly user: string;
  readonly step: number;
  readonly [metric: string]: number | string | undefined;
}

export class RunFolder {
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

  /** The division into targets and others, where there is one; other commands take it by `--target-users`. */
  get usersFile(): string {
    return join(this.path, 'users.json');
  }

  /** Holds one PEFT folder per user, as servers that look adapters up by name want it. */
  get adapters(): string {
    return join(this.path, 'adapters');
  }

  /** Each user's estimated alpha, where none was given. */
  get overlapFile(): string {
    return join(this.path, 'overlap.json');
  }

  async readOverlaps(): Promise<Map<string, OverlapEstimate>> {
    const text = await readFile(this.overlapFile, 'utf8').catch(() => '{}');
    return new Map(Object.entries(JSON.parse(text) as Record<string, OverlapEstimate>));
  }

  async writeOverlaps(estimates: ReadonlyMap<string, OverlapEstimate>): Promise<void> {
    await writeFileAtomic(this.overlapFile, `${JSON.stringify(Object.fromEntries(estimates), null, 2)}\n`);
  }

  adapterOf(user: string): string {
    return join(this.adapters, folderName(user));
  }

  /** Where a user's checkpoint lies until the adapter is finished. */
  stateOf(user: string): string {
    return join(this.path, 'state', folderName(user));
  }

  /** Scores of a user's held-out texts with adapters of the run, so that none is computed twice. */
  scoresOf(user: string): string {
    return join(this.path, 'scores', `${folderName(user)}.txt`);
  }

  async isFinished(user: string): Promise<boolean> {
    return exists(join(this.adapterOf(user), 'adapter_model.safetensors'));
  }

  /**
   * Makes the folder, or recognises the run in it.
   *
   * @param notIdentity settings that may differ when a run goes on
   * @throws IdiolectError CONFIG when the folder holds a run with other settings, another model or other data
   */
  async open<T>(
    resolved: Resolved<T>,
    sources: RunSources,
    version: string,
    notIdentity: readonly string[],
  ): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await removeStaging(this.path);
    if (await exists(this.adapters)) await removeStaging(this.adapters);
    const settings = Object.fromEntries(
      Object.entries(resolved.origins).map(([key, origin]) => [
        key,
        { value: (resolved.values as Record<string, unknown>)[key], origin },
      ]),
    );
    const before = await this.read();
    if (before) this.#requireSame(before, { version, sources, settings }, notIdentity);
    await writeFileAtomic(this.configFile, `${JSON.stringify({ version, sources, settings }, null, 2)}\n`);
  }

  /** The record of the run, or null where there is none. */
  async read(): Promise<RunRecord | null> {
    const text = await readFile(this.configFile, 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      return runSchema.parse(JSON.parse(text));
    } catch {
      throw new IdiolectError('CONFIG', `${this.configFile} is not the record of a run. Choose another --out.`);
    }
  }

  #requireSame(before: RunRecord, now: RunRecord, notIdentity: readonly string[]): void {
    const differences: string[] = [];
    const show = (value: unknown) => (value === undefined ? 'unset' : JSON.stringify(value));
    for (const key of new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])) {
      if (notIdentity.includes(key)) continue;
      const [there, here] = [show(before.settings[key]?.value), show(now.settings[key]?.value)];
      if (there !== here) differences.push(`${flagName(key)} ${there} there, ${here} here`);
    }
    const sources = {
      model: 'another model',
      data: 'another data',
      users: 'another division of users',
      rejected: 'other rejected texts',
      start: 'another start',
    } as const;
    for (const [source, difference] of Object.entries(sources) as [keyof RunSources, string][]) {
      if (before.sources[source] !== now.sources[source]) differences.push(difference);
    }
    if (differences.length === 0) return;
    throw new IdiolectError(
      'CONFIG',
      `${this.path} holds a run with other settings (${differences.join('; ')}). ` +
        'Use the same settings to go on with it, or another --out.',
    );
  }

  /** Takes the folder for this process; a lock left by a process that is gone is taken over. */
  lock(): Promise<() => Promise<void>> {
    return takeLock(join(this.path, '.lock'), this.path, 'Wait for it, or choose another --out.');
  }

  /** What was logged, step by step; a line cut short by a kill is passed over. */
  async readMetrics(): Promise<LoggedStep[]> {
    const text = await readFile(this.metricsFile, 'utf8').catch(() => '');
    return text.split('\n').flatMap(line => {
      try {
        return [JSON.parse(line) as LoggedStep];
      } catch {
        return [];
      }
    });
  }

  /** Forgets what was logged of a user beyond `step`: those steps will be done, and logged, again. */
  async truncateMetrics(user: string, step: number): Promise<void> {
    const steps = await this.readMetrics();
    if (steps.length === 0) return;
    const kept = steps.filter(entry => entry.user !== user || entry.step <= step);
    await writeFileAtomic(this.metricsFile, kept.map(entry => `${JSON.stringify(entry)}\n`).join(''));
  }
}

/**
 * A user's name as a folder name on any file system: everything but letters, digits, `_`, `-`, `.` and `@` is
 * percent-encoded, and names that would be hidden or too long carry a hash instead.
 */
export function folderName(user: string): string {
  const encoded = encodeURIComponent(user)
    .replace(/[!'()*~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%40', '@');
  if (encoded.length <= 100 && !encoded.startsWith('.')) return encoded;
  return `${encoded.replace(/^\.+/, '').slice(0, 80)}-${sha256(user).slice(0, 8)}`;
}

/** @throws IdiolectError DATA when two users would share a folder where file names ignore case */
export function requireDistinctFolders(users: readonly string[]): void {
  const owners = new Map<string, string>();
  for (const user of users) {
    const folder = folderName(user).toLowerCase();
    const owner = owners.get(folder);
    if (owner !== undefined) {
      throw new IdiolectError(
        'DATA',
        `users "${owner}" and "${user}" differ in case alone and would share an adapter folder on some file systems; rename one.`,
      );
    }
    owners.set(folder, user);
  }
}
