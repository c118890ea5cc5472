/** Models by name: looked up in Hugging Face's cache, and fetched into it from the Hub where it does not have them. */

import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IdiolectError } from '../common/errors.ts';
import { takeLock } from '../common/lock.ts';
import { setting } from '../common/wording.ts';
import { CachedModel, hubCacheFolder, hubHome, parseModelName, type Snapshot } from './hub-cache.ts';
import { type FetchOptions, HubModel } from './hub-model.ts';

export interface ResolveOptions extends FetchOptions {
  /** HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and HF_TOKEN_PATH say what they say to Python. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with what a snapshot may lack, once a process; a warning of the process where absent. */
  readonly onNotice?: (message: string) => void;
}

/** The backbone in the box: a folder of this package, from `src` as from `dist`. */
const STARTER = fileURLToPath(new URL('../../starter', import.meta.url));

/**
 * The folder of a model that is on this machine; undefined where it is not. A folder that exists is itself; `starter`
 * is the one that comes with the package. `owner/name` and `owner/name@revision` are the snapshot in the cache.
 */
export async function localModel(model: string, env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const isFolder = await stat(model).then(
    found => found.isDirectory(),
    () => false,
  );
  if (isFolder) return model;
  if (model === 'starter') return STARTER;
  const name = parseModelName(model);
  return name && new CachedModel(hubCacheFolder(env), name).whole();
}

/**
 * The folder of a model: where `localModel` finds it, without asking whether the Hub has a newer one, or fetched.
 *
 * @throws IdiolectError MODEL where there is no such model, it may not be read, or is not in safetensors; DATA where it
 *   cannot be fetched; INTERRUPTED by the signal. What came is kept, and the same call continues with it. A snapshot of
 *   another program that only lacks what the model need not have is used all the same, with a warning of the process.
 */
export async function resolveModel(model: string, options: ResolveOptions = {}): Promise<string> {
  const { env = process.env } = options;
  const known = await localModel(model, env);
  if (known !== undefined) return known;
  const name = parseModelName(model);
  if (!name) {
    throw new IdiolectError(
      'MODEL',
      `${model} is neither a folder nor a name on the Hub. ${setting('model')} needs a Hugging Face folder with config.json, ` +
        'model.safetensors and tokenizer.json, or owner/name.',
    );
  }
  const cache = hubCacheFolder(env);
  const cached = new CachedModel(cache, name);
  const usable = await cached.usable();
  if (/^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? '')) {
    if (usable) return asItIs(model, usable, 'HF_HUB_OFFLINE forbids to ask the Hub. Unset it once.', options);
    throw new IdiolectError(
      'DATA',
      `${model} is neither a folder nor whole in ${cache}, and HF_HUB_OFFLINE forbids to fetch it. Unset it once.`,
    );
  }
  const lock = join(cache, '.locks', basename(cached.folder), 'idiolect.lock');
  const unlock = await takeLock(lock, `the download of ${name.id}`, 'Wait for it.');
  try {
    const endpoint = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
    // What is there is completed, whatever newer commit the revision means by now.
    const wanted = usable ? { ...name, revision: usable.commit } : name;
    return await new HubModel(wanted, cached, { endpoint, token: await tokenOf(env) }, options).fetch();
  } catch (error) {
    if (!usable || !(error instanceof IdiolectError) || error.code === 'INTERRUPTED') throw error;
    return asItIs(model, usable, error.message, options);
  } finally {
    await unlock();
  }
}

/** Said once: a model is resolved by each part of a program that loads it. */
const warned = new Set<string>();

/** The folder of a snapshot that may lack something; the caller is given the reason. */
function asItIs(
  model: string,
  { folder, doubtful }: Snapshot,
  reason: string,
  { onNotice = message => process.emitWarning(message) }: ResolveOptions,
): string {
  const lacking = doubtful.join(' and ');
  if (!warned.has(folder)) onNotice(`${model} is used without ${lacking}, which it may have: ${reason}`);
  warned.add(folder);
  return folder;
}

/** A model at the commit it had; where it is no name on the Hub, itself. */
export function atCommit(model: string, commit: string): string {
  const name = parseModelName(model);
  return name ? `${name.id}@${commit}` : model;
}

/** HF_TOKEN, else what `hf auth login` keeps in a file. */
async function tokenOf(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const kept = () => readFile(env.HF_TOKEN_PATH || join(hubHome(env), 'token'), 'utf8').catch(() => '');
  return (env.HF_TOKEN || (await kept())).trim() || undefined;
}
