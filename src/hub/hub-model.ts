/** A model on the Hub: its files listed, fetched into Hugging Face's cache, checked and linked. */

import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists, makeFolder } from '../common/files.ts';
import { stopped } from '../common/stop.ts';
import { download, megabytes } from './download.ts';
import { askHub } from './hub-api.ts';
import { type CachedModel, COMMIT, type ModelName } from './hub-cache.ts';
import { INDEX_FILE, indexedFiles, SINGLE_FILE } from './weight-files.ts';

/** Bytes of all files of a model together. */
export interface FetchProgress {
  readonly done: number;
  readonly total: number;
  /** Of `done`, what an earlier try had brought. */
  readonly before: number;
}

export interface FetchOptions {
  readonly signal?: AbortSignal;
  /** Called while something is fetched, and not at all where the model is there. */
  readonly onProgress?: (progress: FetchProgress) => void;
}

interface Hub {
  /** Address, without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string;
}

/** What is fetched beside the weights, where the model has it. */
const COMPANIONS = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
];

const fileSchema = z.object({
  rfilename: z.string(),
  size: z.int().nonnegative(),
  blobId: z.string().regex(COMMIT),
  lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
});
const repositorySchema = z.object({ sha: z.string().regex(COMMIT), siblings: z.array(fileSchema) });
type HubFile = z.infer<typeof fileSchema>;

const hashOf = ({ blobId, lfs }: HubFile) => lfs?.sha256 ?? blobId;

/** Fetches one model. What came is kept at any failure, and only what is whole and right gets its name. */
export class HubModel {
  readonly #name: ModelName;
  readonly #cached: CachedModel;
  readonly #endpoint: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: FetchOptions;

  constructor(name: ModelName, cached: CachedModel, { endpoint, token }: Hub, options: FetchOptions) {
    this.#name = name;
    this.#cached = cached;
    this.#endpoint = endpoint;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#options = options;
  }

  /** The snapshot, whole. @throws IdiolectError MODEL, DATA or INTERRUPTED, see `resolveModel` */
  async fetch(): Promise<string> {
    const { id } = this.#name;
    const { sha, siblings } = await this.#list();
    const listed = new Map(siblings.map(file => [file.rfilename, file]));
    for (const name of ['config.json', 'tokenizer.json']) {
      if (!listed.has(name)) throw new IdiolectError('MODEL', `${id} has no ${name} on the Hub. Choose another model.`);
    }
    await makeFolder(this.#cached.blob('.'));
    const weights = await this.#weights(sha, listed);
    const files = [...COMPANIONS.flatMap(name => listed.get(name) ?? []), ...weights];
    await this.#download(sha, files);
    const linked = files.map(file => ({ name: file.rfilename, hash: hashOf(file) }));
    const absent = COMPANIONS.filter(name => !listed.has(name));
    return this.#cached.publish(sha, linked, absent);
  }

  async #list(): Promise<z.infer<typeof repositorySchema>> {
    const { id, revision } = this.#name;
    const url = `${this.#endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`;
    try {
      return await askHub(url, repositorySchema, { headers: this.#headers, signal: this.#options.signal });
    } catch (error) {
      const explained = this.#explained(error);
      if (explained !== error || !(error instanceof IdiolectError)) throw explained;
      throw new IdiolectError('DATA', `${id} is neither a folder nor whole in the cache, and ${error.message}`, {
        cause: error,
      });
    }
  }

  /** The weight files, the index first where there is one; it is fetched at once, since it names the others. */
  async #weights(sha: string, listed: ReadonlyMap<string, HubFile>): Promise<HubFile[]> {
    const { id } = this.#name;
    const single = listed.get(SINGLE_FILE);
    if (single) return [single];
    const index = listed.get(INDEX_FILE);
    if (!index) {
      throw new IdiolectError(
        'MODEL',
        `${id} holds neither ${SINGLE_FILE} nor ${INDEX_FILE}. Choose a model in safetensors, or convert it first.`,
      );
    }
    await this.#download(sha, [index]);
    const linked = join(this.#cached.snapshot(sha), INDEX_FILE);
    const names = await indexedFiles((await exists(linked)) ? linked : this.#cached.blob(hashOf(index)));
    const shards = names.map(name => {
      const shard = listed.get(name);
      if (shard && /^[\w.-]+$/.test(name)) return shard;
      throw new IdiolectError('MODEL', `${id}: ${INDEX_FILE} names "${name}", which the model does not have.`);
    });
    return [index, ...shards];
  }

  /** Each that the snapshot does not have, into its blob. */
  async #download(sha: string, wanted: readonly HubFile[]): Promise<void> {
    const { signal, onProgress } = this.#options;
    const files: HubFile[] = [];
    for (const file of wanted) {
      if (!(await exists(join(this.#cached.snapshot(sha), file.rfilename)))) files.push(file);
    }
    const total = files.reduce((sum, { size }) => sum + size, 0);
    await this.#requireRoom(files);
    let finished = 0;
    let before = 0;
    for (const file of files) {
      const { rfilename: name, size } = file;
      let earlier = size; // all of it, where the blob is there and nothing is asked for
      const blob = this.#cached.blob(hashOf(file));
      const remote = {
        url: `${this.#endpoint}/${this.#name.id}/resolve/${sha}/${name}`,
        size,
        ...(file.lfs ? { sha256: file.lfs.sha256 } : { gitBlob: file.blobId }),
      };
      const progress = (done: number, _: number | undefined, kept: number) => {
        earlier = kept;
        onProgress?.({ done: finished + done, total, before: before + kept });
      };
      try {
        const options = { signal, headers: this.#headers, partial: `${blob}.incomplete`, onProgress: progress };
        await download(remote, blob, options);
      } catch (error) {
        throw this.#explained(error);
      }
      finished += size;
      before += earlier;
    }
  }

  /** @throws IdiolectError DATA where the disk cannot take what is still to come */
  async #requireRoom(files: readonly HubFile[]): Promise<void> {
    let needed = 0;
    for (const file of files) {
      const blob = this.#cached.blob(hashOf(file));
      const there = await stat(blob).catch(() => stat(`${blob}.incomplete`).catch(() => ({ size: 0 })));
      needed += Math.max(0, file.size - there.size);
    }
    const { bavail, bsize } = await statfs(this.#cached.folder);
    if (needed <= bavail * bsize) return;
    const room = `${this.#cached.folder} has room for ${megabytes(bavail * bsize)} MB`;
    throw new IdiolectError(
      'DATA',
      `${this.#name.id} needs ${megabytes(needed)} MB more, and ${room}. Make room, or set HF_HOME to another disk.`,
    );
  }

  /** What the Hub's refusals mean, and what to do about them. */
  #explained(error: unknown): unknown {
    if (!(error instanceof IdiolectError)) return error;
    const { id, revision } = this.#name;
    if (error.code === 'INTERRUPTED') {
      return stopped(`run the same command again to continue the download of ${id}`);
    }
    if (!(error.cause instanceof Response)) return error;
    const { status, headers } = error.cause;
    const because = (sentence: string) => new IdiolectError('MODEL', sentence, { cause: error });
    const reason = headers.get('x-error-code');
    if (reason === 'RevisionNotFound') {
      return because(`${id} has no revision "${revision}". Name a branch, a tag or a commit after the @.`);
    }
    if (reason === 'GatedRepo' || status === 403) {
      const page = `${this.#endpoint}/${id}`;
      return because(`${id} is gated: accept its licence at ${page}, then set HF_TOKEN to a token of that account.`);
    }
    if (status === 401 && headers.get('x-error-message')?.startsWith('Invalid credentials')) {
      return because(`${this.#endpoint} does not accept the token of HF_TOKEN or "hf auth login". Set a valid one.`);
    }
    if (status !== 401 && status !== 404) return error;
    // The Hub does not distinguish a private model from none.
    return because(
      `there is no folder ${id}, and ${this.#endpoint} shows no model of that name. ` +
        'Check the name; where the model is private, set HF_TOKEN.',
    );
  }
}
