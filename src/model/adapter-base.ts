/** Whether an adapter was made for the model it is used on. */
import { basename, join, resolve } from 'node:path';
import { readInputJson } from '../common/input-file.ts';
import { printable } from '../common/printable.ts';
import type { AdapterCard } from './adapter-card.ts';
import type { Checkpoint } from './checkpoint.ts';

/**
 * A sentence where an adapter whose shapes fit seems to belong to another model: surely so by its card, which has the
 * model's fingerprint; by the base's name in adapter_config.json where it has no card.
 */
export async function otherBase(
  folder: string,
  card: AdapterCard | undefined,
  { fingerprint, folder: modelFolder, name }: Pick<Checkpoint, 'fingerprint' | 'folder' | 'name'>,
): Promise<string | undefined> {
  if (card) {
    if (card.base.fingerprint === fingerprint) return undefined;
    return `the adapter was trained on another model, ${card.base.name}; its text may make no sense`;
  }
  const json = await readInputJson(join(folder, 'adapter_config.json'), { code: 'ADAPTER' });
  const { base_model_name_or_path: base } = json as { base_model_name_or_path?: unknown };
  if (typeof base !== 'string' || base === '') return undefined;
  const isSame = [name, basename(resolve(modelFolder))].some(known => lastPart(known) === lastPart(base));
  if (isSame) return undefined;
  return (
    `the adapter names ${printable(base)} as the model it was made for, and the model here is ${name}; ` +
    'unless they are the same, its text may make no sense'
  );
}

/** Owners and folders differ from one place to another; the last part of a name mostly does not. */
function lastPart(name: string): string {
  return name
    .replace(/[/\\]+$/, '')
    .replace(/^.*[/\\]/, '')
    .toLowerCase();
}
