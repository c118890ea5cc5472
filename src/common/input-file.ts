/** Opening and reading files that a person or a program handed over: what goes wrong is said in one sentence. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type ErrorCode, IdiolectError, reasonOf } from './errors.ts';

/** Largest file that is read into memory whole unless the caller says otherwise; configurations and indexes are far smaller. */
const MOST_BYTES = 64 * 2 ** 20;

/** The first bytes of the stand-in that Git leaves where large files were not fetched. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

export interface InputOptions {
  /** Of the error for a file that cannot be read. Default DATA. */
  readonly code?: ErrorCode;
  /** Most bytes to read into memory. */
  readonly most?: number;
}

/**
 * Opens a regular file for reading. Pipes and devices are refused: opening one can wait for ever, and files are read
 * more than once.
 *
 * @throws IdiolectError where the file is missing, not a regular file, or may not be read
 */
export async function openInput(path: string, { code = 'DATA' }: InputOptions = {}): Promise<FileHandle> {
  // Without O_NONBLOCK, opening a pipe nobody writes to does not return.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(error => {
    throw inputError(path, error, code);
  });
  const status = await handle.stat();
  if (status.isFile()) return handle;
  await handle.close();
  const kind = status.isDirectory() ? 'folder' : status.isFIFO() ? 'pipe' : 'device';
  throw new IdiolectError(code, `${path} is a ${kind}; a file was expected.`);
}

/**
 * The bytes of a file that fits in memory.
 *
 * @throws IdiolectError as `openInput` does, and for a file larger than `most`
 */
export async function readInput(path: string, options: InputOptions = {}): Promise<Buffer> {
  const { code = 'DATA', most = MOST_BYTES } = options;
  const handle = await openInput(path, options);
  try {
    const { size } = await handle.stat();
    if (size > most) throw new IdiolectError(code, `${path} has ${size} bytes; at most ${most} were expected.`);
    return await handle.readFile();
  } catch (error) {
    throw inputError(path, error, code);
  } finally {
    await handle.close();
  }
}

/**
 * The same as text, without a byte order mark.
 *
 * @throws IdiolectError as `readInput` does, for text that is not UTF-8, and for a Git LFS pointer
 */
export async function readInputText(path: string, options: InputOptions = {}): Promise<string> {
  const bytes = await readInput(path, options);
  refuseLfsPointer(path, bytes, options.code);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new IdiolectError(options.code ?? 'DATA', `${path} is not valid UTF-8. Save it as UTF-8.`, { cause: error });
  }
}

/**
 * The same as a JSON value, of whatever shape.
 *
 * @throws IdiolectError as `readInputText` does, and for text that is not JSON
 */
export async function readInputJson(path: string, options: InputOptions = {}): Promise<unknown> {
  const text = await readInputText(path, options);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new IdiolectError(options.code ?? 'DATA', `${path} is not valid JSON (${reasonOf(error)}).`, {
      cause: error,
    });
  }
}

/** The content of the file is somewhere else. */
export class LfsPointerError extends IdiolectError {}

/** @throws LfsPointerError where the bytes are the pointer that Git LFS leaves in place of a large file */
export function refuseLfsPointer(path: string, head: Uint8Array, code: ErrorCode = 'DATA'): void {
  if (!Buffer.from(head.subarray(0, LFS_POINTER.length)).equals(Buffer.from(LFS_POINTER))) return;
  throw new LfsPointerError(
    code,
    `${path} is a Git LFS pointer, not the file itself. Run "git lfs pull" in that repository.`,
  );
}

/** What a failed file call means, in a sentence; anything else is handed back as it is. */
export function inputError(path: string, error: unknown, errorCode: ErrorCode = 'DATA'): unknown {
  if (error instanceof IdiolectError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const say = (sentence: string) => new IdiolectError(errorCode, `${path} ${sentence}`, { cause: error });
  if (code === 'ENOENT' || code === 'ENOTDIR') return say('does not exist.');
  if (code === 'EISDIR') return say('is a folder; a file was expected.');
  if (code === 'EACCES' || code === 'EPERM') return say('may not be read by this user.');
  if (code === 'ENXIO') return say('is a device; a file was expected.');
  if (code.startsWith('Z_')) {
    return say(`is a damaged or truncated gzip file (${reasonOf(error)}). Copy or download it again.`);
  }
  return code ? say(`cannot be read (${reasonOf(error)}).`) : error;
}
