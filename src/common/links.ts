/** Links in a folder that may come from someone else. */
import { readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { IdiolectError } from './errors.ts';
import { printable } from './printable.ts';

/**
 * Writing or deleting through a link would change what is elsewhere.
 *
 * @throws IdiolectError CONFIG naming a link in the folder, at any depth, that leads out of it or to nothing
 */
export async function refuseLinksOutside(folder: string): Promise<void> {
  const root = await realpath(folder);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const link = join(entry.parentPath, entry.name);
    const target = await realpath(link).catch(() => null);
    if (target?.startsWith(root + sep)) continue;
    throw new IdiolectError(
      'CONFIG',
      `${printable(link)} is a link that leads ${target === null ? 'to nothing' : `out of ${folder}`}. ` +
        'Put what belongs there in its place, or remove it.',
    );
  }
}
