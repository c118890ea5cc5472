/** Where results that are found again by content are kept unless a setting says otherwise. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** $IDIOLECT_CACHE, else the platform's cache folder. */
export function defaultCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.IDIOLECT_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'idiolect');
}
