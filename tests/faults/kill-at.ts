/**
 * Loaded before the program (`node --import`): counts every call that changes a file and, where one is named, kills the
 * process there as SIGKILL does, with nothing flushed, closed or tidied.
 *
 * KILL_AT=12:before dies instead of the 12th call; KILL_AT=12:middle after half of what it does. TRACE_CALLS=FILE lists
 * the calls, one JSON object a line.
 */
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

export interface FileCall {
  readonly name: string;
  readonly path: string;
  /** Whether there is a middle: an operation that is not one step of the system. */
  readonly divisible: boolean;
}

type Methods = Record<string, (...args: never[]) => unknown>;
/** As many as any of the methods takes, of any type. */
type Arguments = [never, never, never, never, never];

const { appendFileSync, copyFileSync, openSync, statSync, truncateSync, writeSync } = fs;
const [target, mode] = (process.env.KILL_AT ?? '').split(':');
const trace = process.env.TRACE_CALLS;
let calls = 0;
/** Whether a call is this module's own. */
let own = false;

/** Notes a call, or dies in it. */
function reach(name: string, path: unknown, half?: () => void): void {
  if (own) return;
  own = true;
  calls++;
  const call: FileCall = { name, path: String(path), divisible: half !== undefined };
  if (trace) appendFileSync(trace, `${JSON.stringify(call)}\n`);
  if (calls === Number(target)) {
    if (mode === 'middle') half?.();
    process.kill(process.pid, 'SIGKILL');
  }
  own = false;
}

/** Replaces methods of an object by ones that are counted first. */
function count(
  methods: object,
  names: readonly string[],
  before: (name: string, self: unknown, args: Arguments) => void,
) {
  for (const name of names) {
    const original = (methods as Methods)[name]!;
    (methods as Methods)[name] = function (this: unknown, ...args: Arguments) {
      before(name, this, args);
      return Reflect.apply(original, this, args);
    };
  }
}

function firstHalf(content: unknown): Uint8Array {
  if (typeof content !== 'string' && !ArrayBuffer.isView(content)) throw new Error('cannot halve what is written');
  const bytes =
    typeof content === 'string'
      ? Buffer.from(content)
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return bytes.subarray(0, bytes.length >> 1);
}

const handlePaths = new WeakMap<object, string>();
const pathOf = (file: unknown) => (typeof file === 'object' && file !== null && handlePaths.get(file)) || file;
const opensForWriting = (flags: unknown) => (typeof flags === 'number' ? (flags & 3) !== 0 : /[wa+]/.test(`${flags}`));

/** Everything with a path that has no middle; `rm` of a folder is a chain of steps that are counted one by one. */
const STEPS = ['rm', 'rename', 'mkdir', 'mkdtemp', 'rmdir', 'unlink', 'link', 'symlink', 'truncate', 'chmod', 'lchmod']
  .concat(['chown', 'lchown', 'utimes', 'lutimes'])
  .filter(name => name in promises);

const open = promises.open;
const FileHandle = Object.getPrototypeOf(await open(import.meta.filename).then(file => file.close().then(() => file)));

count(promises, STEPS, (name, _, [path, to]) => reach(name, name === 'rename' || name === 'link' ? to : path));
count(promises, ['writeFile', 'appendFile'], (name, _, [file, content, options]) => {
  const given = options as { flag?: string; mode?: number } | string | undefined;
  const { flag, mode: permissions } = { flag: undefined, mode: undefined, ...(typeof given === 'object' && given) };
  reach(name, pathOf(file), () => {
    const fd = (file as { fd?: number }).fd ?? openSync(file, flag ?? (name === 'appendFile' ? 'a' : 'w'), permissions);
    writeSync(fd, firstHalf(content));
  });
});
count(promises, ['copyFile'], (name, _, [from, to]) =>
  reach(name, to, () => {
    copyFileSync(from, to);
    truncateSync(to, statSync(from).size >> 1);
  }),
);
count(promises, ['cp'], name => {
  throw new Error(`${name}: not taken apart here; add it to tests/faults/kill-at.ts`);
});
promises.open = async (path, flags, permissions) => {
  if (opensForWriting(flags ?? 'r')) reach('open', path);
  const file = await open(path, flags, permissions);
  handlePaths.set(file, String(path));
  return file;
};

count(FileHandle, ['writeFile', 'appendFile'], (name, self, [content]) =>
  reach(name, pathOf(self), () => writeSync((self as { fd: number }).fd, firstHalf(content))),
);
count(FileHandle, ['write'], (name, self, [content, offset, length, position]) =>
  reach(name, pathOf(self), () => {
    const { fd } = self as { fd: number };
    if (typeof content === 'string') writeSync(fd, firstHalf(content));
    else writeSync(fd, content, offset ?? 0, ((length ?? (content as Uint8Array).length) as number) >> 1, position);
  }),
);
count(FileHandle, ['writev'], (name, self, [buffers, position]) =>
  reach(name, pathOf(self), () => writeSync((self as { fd: number }).fd, firstHalf(buffers[0]), 0, null, position)),
);
count(FileHandle, ['truncate', 'chmod', 'chown', 'utimes'], (name, self) => reach(name, pathOf(self)));

// Streams of files open and write through these; `node:fs` otherwise writes synchronously or by callback.
const BY_CALLBACK = STEPS.concat('writeFile', 'appendFile', 'copyFile', 'cp', 'fchmod', 'ftruncate');
const CHANGING = BY_CALLBACK.flatMap(name => [name, `${name}Sync`]).filter(name => name in fs);
count(fs, CHANGING, (name, _, [path]) => reach(name, path));
count(fs, ['open', 'openSync'], (name, _, [path, flags]) => {
  if (opensForWriting(typeof flags === 'function' ? 'r' : (flags ?? 'r'))) reach(name, path);
});
count(fs, ['write', 'writeSync'], (name, _, [fd, content, offset, length, position]) =>
  reach(name, `descriptor ${fd}`, () => {
    if (typeof content === 'string') writeSync(fd, firstHalf(content));
    else writeSync(fd, content, offset, (length as number) >> 1, position);
  }),
);
count(fs, ['writev', 'writevSync'], (name, _, [fd, buffers, position]) =>
  reach(name, `descriptor ${fd}`, () => writeSync(fd, firstHalf(buffers[0]), 0, null, position)),
);
syncBuiltinESMExports();

// What a stage cost is among the results; they can be compared only where no time passes.
performance.now = () => 0;
