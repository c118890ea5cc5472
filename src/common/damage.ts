/** Files that can be made again: where one is damaged, that is done. */
import { IdiolectError } from './errors.ts';
import { LfsPointerError } from './input-file.ts';

/**
 * What reading a file gives, or null where it is missing or damaged. Failures that making it again would not mend, such
 * as a missing permission, are thrown; so is a Git LFS pointer, whose file is somewhere.
 */
export async function unlessDamaged<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch(error => {
    if (!(error instanceof IdiolectError) || error instanceof LfsPointerError) throw error;
    const { errno, code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    if (errno !== undefined && code !== 'ENOENT') throw error;
    return null;
  });
}
