/** Recorded values that are kept compressed, in tests/fixtures. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export function readGzipJson<T>(name: string): T {
  return JSON.parse(gunzipSync(readFileSync(new URL(`../fixtures/${name}`, import.meta.url))).toString());
}
