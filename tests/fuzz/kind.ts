/** What is damaged and who reads it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Files = Readonly<Record<string, Buffer>>;

/** A sound input and its reader; the reader is what a command calls, in this process. */
export interface Reading {
  readonly name: string;
  /** By their path in the input's folder. */
  readonly files: Files;
  /** Those of `files` that may be damaged; default: all. */
  readonly damaged?: readonly string[];
  /** Reads what is in the folder. It must refuse with an IdiolectError, or accept. */
  read(folder: string): Promise<unknown>;
}

/** The inputs of a kind. `corpus` is the folder that `writeCorpus` filled. */
export type Kind = (corpus: string) => Promise<readonly Reading[]>;

export const KINDS: Readonly<Record<string, () => Promise<Kind>>> = {
  histories: async () => (await import('./kinds/histories.ts')).histories,
  benchmarks: async () => (await import('./kinds/benchmarks.ts')).benchmarks,
  flags: async () => (await import('./kinds/flags.ts')).flags,
  models: async () => (await import('./kinds/models.ts')).models,
  tokenizers: async () => (await import('./kinds/tokenizers.ts')).tokenizers,
  adapters: async () => (await import('./kinds/adapters.ts')).adapters,
  runs: async () => (await import('./kinds/runs.ts')).runs,
};

/** The files of a folder and the folders in it, but for those named. */
export async function filesIn(folder: string, except: readonly string[] = []): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter(name => !except.includes(name))
    .sort();
  return Object.fromEntries(
    await Promise.all(names.map(async name => [name, await readFile(join(folder, name))] as const)),
  );
}

/** A folder of tests/fixtures. */
export const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
