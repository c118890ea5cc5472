/** Whether an adapter folder has all that training wrote. */
import { join } from 'node:path';
import { unlessDamaged } from '../common/damage.ts';
import { readInputJson } from '../common/input-file.ts';
import { readHeader } from './safetensors.ts';

/**
 * Looks at the files' form and length, not at each number: a disk that was full, or lost its power, leaves short files.
 *
 * @returns false where there is no adapter
 * @throws IdiolectError where the files cannot be looked at
 */
export async function isWholeAdapter(folder: string): Promise<boolean> {
  const header = await unlessDamaged(readHeader(join(folder, 'adapter_model.safetensors')));
  const config = await unlessDamaged(readInputJson(join(folder, 'adapter_config.json'), { code: 'ADAPTER' }));
  return header !== null && typeof config === 'object' && config !== null;
}
