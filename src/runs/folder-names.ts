/** Turns users' names into folder names. */
import { IdiolectError } from '../common/errors.ts';
import { sha256 } from '../common/files.ts';

/** Names that Windows reserves for devices, with or without an extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * A user's name as a folder name on any file system: everything but letters, digits, `_`, `-`, `.` and `@` is
 * percent-encoded, and names that would be hidden, too long or reserved by a system carry a hash instead.
 */
export function folderName(user: string): string {
  const encoded = encodeURIComponent(user.toWellFormed())
    .replace(/[!'()*~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%40', '@');
  const isPlain = !encoded.startsWith('.') && !encoded.endsWith('.') && !RESERVED.test(encoded) && user.isWellFormed();
  if (encoded.length <= 100 && isPlain) return encoded;
  return `${encoded.replace(/^\.+/, '').slice(0, 80).replaceAll('.', '_')}-${sha256(Buffer.from(user, 'utf16le')).slice(0, 8)}`;
}

/** @throws IdiolectError DATA when two users would share a folder where file names ignore case */
export function requireDistinctFolders(users: readonly string[]): void {
  const owners = new Map<string, string>();
  for (const user of users) {
    const folder = folderName(user).toLowerCase();
    const owner = owners.get(folder);
    if (owner !== undefined) {
      throw new IdiolectError(
        'DATA',
        `users "${owner}" and "${user}" differ only in case and would share an adapter folder on some file systems; rename one.`,
      );
    }
    owners.set(folder, user);
  }
}
