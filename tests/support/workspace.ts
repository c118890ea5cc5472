/** A temporary folder with a tiny backbone and the histories of three users. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { habitualHistories } from '../../examples/habits.ts';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { sha256 } from '../../src/common/files.ts';
import { writeHistories } from '../../src/histories/index.ts';

export interface Workspace {
  readonly folder: string;
  readonly model: string;
  readonly data: string;
  readonly cache: string;
  path(name: string): string;
  remove(): Promise<void>;
}

export async function workspace(recordsPerUser = 12): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'idiolect-test-'));
  const model = join(folder, 'backbone');
  const data = join(folder, 'histories.jsonl');
  await writeTinyBackbone(model);
  await writeHistories(data, habitualHistories(recordsPerUser));
  return {
    folder,
    model,
    data,
    cache: join(folder, 'cache'),
    path: name => join(folder, name),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Every file below a folder with the hash of its bytes; equal results are equal folders. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const entries = files
    .filter(file => file.isFile())
    .map(async file => {
      const path = join(file.parentPath, file.name);
      return [path.slice(folder.length + 1), sha256(await readFile(path))] as const;
    });
  return Object.fromEntries((await Promise.all(entries)).sort(([a], [b]) => (a < b ? -1 : 1)));
}
