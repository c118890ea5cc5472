/** run.json: what a run was made from, and whether another run is the same. */
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { setting } from '../common/wording.ts';
import type { Dataset } from '../histories/dataset.ts';
import { splitFingerprint } from '../histories/index.ts';
import type { LanguageModel } from '../language-model/language-model.ts';

/** What the adapters of a run depend on besides its settings. */
export interface RunSources {
  readonly model: string;
  /** The model's commit, where it is from a hub. */
  readonly commit?: string;
  readonly data: string;
  /** Fingerprint of the division into targets and others, where there is one. */
  readonly users?: string;
  /** SHA-256 of the rejected texts, where training uses pairs. */
  readonly rejected?: string;
  /** Fingerprint of the run whose adapters, or of the model whose weights, training starts from. */
  readonly start?: string;
  /** Fingerprint of those adapters. */
  readonly startAdapters?: string;
  /** Signature of the objective, where it is the caller's own. */
  readonly objective?: string;
}

export function sourcesOf({ checkpoint }: LanguageModel, { fingerprint, split }: Dataset): RunSources {
  return {
    model: checkpoint.fingerprint,
    ...(checkpoint.commit !== undefined && { commit: checkpoint.commit }),
    data: fingerprint,
    ...(split && { users: splitFingerprint(split) }),
  };
}

export const runSchema = z.object({
  version: z.string(),
  /** As `RunSources` says: fingerprints and hashes, and the model's commit. */
  sources: z.object({
    model: z.string(),
    commit: z.string().optional(),
    data: z.string(),
    users: z.string().optional(),
    rejected: z.string().optional(),
    start: z.string().optional(),
    startAdapters: z.string().optional(),
    objective: z.string().optional(),
  }),
  settings: z.record(z.string(), z.object({ value: z.unknown().optional(), origin: z.string() })),
});

export type RunRecord = z.infer<typeof runSchema>;

/** What may differ in a run that is continued. */
export interface Allowed {
  readonly notIdentity: readonly string[];
  readonly mayChange: readonly (keyof RunSources)[];
}

/** @throws IdiolectError CONFIG naming every difference that is not allowed */
export function requireSameRun(
  before: RunRecord,
  now: RunRecord,
  path: string,
  { notIdentity, mayChange }: Allowed,
): void {
  const differences: string[] = [];
  const show = (value: unknown) => (value === undefined ? 'unset' : printable(JSON.stringify(value)));
  for (const key of new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])) {
    if (notIdentity.includes(key)) continue;
    const [there, here] = [show(before.settings[key]?.value), show(now.settings[key]?.value)];
    if (there !== here) differences.push(`${printable(setting(key))} ${there} there, ${here} here`);
  }
  const sources = {
    model: 'another model',
    data: 'other data',
    users: 'another division of users',
    rejected: 'other rejected texts',
    start: 'another start',
    objective: 'another objective of that name',
  } as const;
  for (const [source, difference] of Object.entries(sources) as [keyof RunSources, string][]) {
    if (mayChange.includes(source)) continue;
    if (before.sources[source] !== now.sources[source]) differences.push(difference);
  }
  if (differences.length === 0) return;
  throw new IdiolectError(
    'CONFIG',
    `${path} holds a run with other settings (${differences.join('; ')}). ` +
      'Use the same settings to continue it, or another `out`.',
  );
}
