/**
 * Hugging Face's cache of models, laid out as its Python library does, so that each finds what the other fetched:
 * `models--OWNER--NAME/blobs/HASH` holds the contents, `snapshots/COMMIT/FILE` links to them, `refs/REVISION` names
 * commits, and an empty file in `.no_exist/COMMIT` means that the model has no such file.
 */
import { copyFile, link, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { exists, makeFolder, stagingPath, writeFileAtomic } from '../common/files.ts';
import { readInputJson, readInputText } from '../common/input-file.ts';
import { weightFileNames } from './weight-files.ts';

/** A model on a hub. */
export interface ModelName {
  /** `owner/name` */
  readonly id: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

export const COMMIT = /^[0-9a-f]{40}$/;

/** Reads `owner/name` or `owner/name@revision`, by the Hub's rules for names; undefined for anything else. */
export function parseModelName(text: string): ModelName | undefined {
  const [, id, revision = 'main'] = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(\w[\w./-]*))?$/.exec(text) ?? [];
  if (id === undefined || /--|\.\./.test(id) || revision.includes('..')) return undefined;
  return { id, revision };
}

/** The model and commit that a snapshot in a cache is of; undefined for other folders. */
export function snapshotOf(folder: string): { readonly id: string; readonly commit: string } | undefined {
  const path = resolve(folder);
  const [commit, snapshots, repository] = [basename(path), dirname(path), dirname(dirname(path))];
  const parts = basename(repository).split('--');
  if (!COMMIT.test(commit) || basename(snapshots) !== 'snapshots' || parts[0] !== 'models') return undefined;
  return { id: parts.slice(1).join('/'), commit };
}

/** $HF_HUB_CACHE, else `hub` in Hugging Face's own folder. */
export function hubCacheFolder(env: NodeJS.ProcessEnv): string {
  return env.HF_HUB_CACHE ? expanded(env.HF_HUB_CACHE) : join(hubHome(env), 'hub');
}

/** $HF_HOME, else `huggingface` in the platform's cache folder. */
export function hubHome(env: NodeJS.ProcessEnv): string {
  return expanded(env.HF_HOME || join(env.XDG_CACHE_HOME || '~/.cache', 'huggingface'));
}

function expanded(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

export interface SnapshotFile {
  readonly name: string;
  /** Names the blob. */
  readonly hash: string;
}

export interface Snapshot {
  readonly folder: string;
  readonly commit: string;
  /**
   * Files that are not there, nor known not to exist: the model may have them, as where another program fetched only
   * what it needed itself.
   */
  readonly doubtful: readonly string[];
}

/** One model's part of the cache. */
export class CachedModel {
  readonly folder: string;
  readonly #name: ModelName;

  constructor(cache: string, name: ModelName) {
    this.folder = join(cache, `models--${name.id.replace('/', '--')}`);
    this.#name = name;
  }

  blob(hash: string): string {
    return join(this.folder, 'blobs', hash);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The snapshot of the revision, where it has all that a model needs and all that it is known to have. */
  async whole(): Promise<string | undefined> {
    const found = await this.usable();
    return found?.doubtful.length === 0 ? found.folder : undefined;
  }

  /** The snapshot of the revision, where it has all that a model needs. */
  async usable(): Promise<Snapshot | undefined> {
    const { revision } = this.#name;
    const commit = COMMIT.test(revision) ? revision : await this.#commit();
    if (!COMMIT.test(commit)) return undefined;
    const folder = this.snapshot(commit);
    const has = (name: string) => exists(join(folder, name));
    const isKnown = async (name: string) => (await has(name)) || (await exists(this.#absent(commit, name)));
    if (!(await has('config.json')) || !(await has('tokenizer.json'))) return undefined;
    // Special tokens would be lacking, unnoticed: not there must mean that the model has none.
    if (!(await isKnown('tokenizer_config.json'))) return undefined;
    const weights = await weightFileNames(folder).catch(() => []);
    for (const name of weights) if (!(await has(name))) return undefined;
    if (weights.length === 0) return undefined;
    const optional = ['generation_config.json', ...((await hasInlineTemplate(folder)) ? [] : ['chat_template.jinja'])];
    const doubtful: string[] = [];
    for (const name of optional) if (!(await isKnown(name))) doubtful.push(name);
    return { folder, commit, doubtful };
  }

  /** Links blobs that are whole into the snapshot, notes what the model does not have, and names the commit. */
  async publish(commit: string, files: readonly SnapshotFile[], absent: readonly string[]): Promise<string> {
    const folder = this.snapshot(commit);
    await makeFolder(folder);
    for (const { name, hash } of files) await place(this.blob(hash), join(folder, name));
    if (absent.length > 0) await makeFolder(this.#absent(commit, '.'));
    for (const name of absent) await writeFile(this.#absent(commit, name), '');
    if (this.#name.revision !== commit) {
      await makeFolder(dirname(this.#ref()));
      await writeFileAtomic(this.#ref(), commit);
    }
    return folder;
  }

  /** The commit that the revision was when it was fetched. */
  async #commit(): Promise<string> {
    return readInputText(this.#ref()).catch(() => '');
  }

  #ref(): string {
    return join(this.folder, 'refs', this.#name.revision);
  }

  #absent(commit: string, name: string): string {
    return join(this.folder, '.no_exist', commit, name);
  }
}

/** Older models have their chat template in there. */
async function hasInlineTemplate(folder: string): Promise<boolean> {
  try {
    const settings = await readInputJson(join(folder, 'tokenizer_config.json'));
    return Boolean((settings as { chat_template?: unknown }).chat_template);
  } catch {
    return false; // none, or malformed, which the tokenizer reports
  }
}

/** A link relative to its folder, so that the cache can be moved. What a snapshot has already never changes. */
async function place(blob: string, path: string): Promise<void> {
  if (await exists(path)) return;
  await rm(path, { force: true });
  await symlink(relative(dirname(path), blob), path)
    // Windows without the right to make symbolic links; hard ones need none.
    .catch(() => link(blob, path))
    // Neither kind, as on exFAT: a copy, which gets its name when it is whole.
    .catch(async () => {
      const staging = stagingPath(path);
      await copyFile(blob, staging);
      await rename(staging, path);
    });
}
