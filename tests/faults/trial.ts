/** One command, killed at a chosen call and run again, against the same command left alone. */
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isStaging, sha256 } from '../../src/common/files.ts';
import { type Finished, idiolect } from '../support/cli.ts';
import type { Workspace } from '../support/workspace.ts';
import { COMMANDS, type CommandName } from './commands.ts';
import type { FileCall } from './kill-at.ts';

const KILLER = new URL('kill-at.ts', import.meta.url).href;

/** A moment to die at: the n-th call that changes a file (from 1), or the middle of it. */
export interface KillPoint {
  readonly call: number;
  readonly mode: 'before' | 'middle';
}

/** A command left alone: the calls it made and what it ended with. */
export interface Undisturbed {
  readonly command: CommandName;
  readonly calls: readonly FileCall[];
  readonly result: ReadonlyMap<string, string>;
}

/** Places where half a line or half a record may stay; their content is compared through what is made of it. */
const APPENDED = /^cache\/|^run\/costs\.jsonl$|(^|\/)scores\//;

/** Each trial has a folder of its own; the command names everything relative to it, so that all runs are the same. */
function start(
  place: Workspace,
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${KILLER}`;
  const NODE_COMPILE_CACHE = place.path('compiled');
  return idiolect(args, { cwd: folder, env: { NODE_OPTIONS, NODE_COMPILE_CACHE, ...env } });
}

export async function undisturbed(place: Workspace, command: CommandName): Promise<Undisturbed> {
  const { before, args } = COMMANDS[command];
  const prepared = preparedFolder(place, command);
  await mkdir(prepared);
  if (before) requireDone(before, await start(place, before, prepared));
  const folder = await copyOf(prepared, place.path(`${command}-undisturbed`));
  const trace = place.path(`${command}.calls`);
  requireDone(args, await start(place, args, folder, { TRACE_CALLS: trace }));
  const lines = (await readFile(trace, 'utf8')).trimEnd().split('\n');
  const [result, leftover] = [await resultOf(folder), await leftovers(folder)];
  if (leftover.length > 0) throw new Error(`${command} left ${leftover.join()} when left alone`);
  return { command, calls: lines.map(line => JSON.parse(line) as FileCall), result };
}

const preparedFolder = (place: Workspace, command: CommandName) => place.path(`${command}-prepared`);

async function copyOf(folder: string, copy: string): Promise<string> {
  await cp(folder, copy, { recursive: true });
  return copy;
}

function requireDone(args: readonly string[], { code, stderr }: Finished): void {
  if (code !== 0) throw new Error(`${args.join(' ')} failed when left alone: ${stderr}`);
}

/** All moments there are. */
export function killPointsOf({ calls }: Undisturbed): KillPoint[] {
  return calls.flatMap(({ divisible }, i) => [
    { call: i + 1, mode: 'before' },
    ...(divisible ? [{ call: i + 1, mode: 'middle' } as const] : []),
  ]);
}

/** Kills the command, runs it again, and returns what is wrong then; nothing where all is as if it had been left alone. */
export async function trial(place: Workspace, whole: Undisturbed, { call, mode }: KillPoint): Promise<string[]> {
  const { command } = whole;
  const { args, done } = COMMANDS[command];
  const folder = await copyOf(preparedFolder(place, command), place.path(`${command}-${call}-${mode}`));
  const killed = await start(place, args, folder, { KILL_AT: `${call}:${mode}` });
  const wrong =
    killed.signal === 'SIGKILL' ? [] : [`was not killed: exit ${killed.code}, ${killed.stderr.slice(-300)}`];
  const again = await start(place, args, folder);
  if (again.code !== 0 && !done?.test(again.stderr))
    wrong.push(`fails when run again: exit ${again.code}, ${again.stderr.slice(-300)}`);
  const result = await resultOf(folder);
  for (const path of new Set([...whole.result.keys(), ...result.keys()])) {
    const [expected, found] = [whole.result.get(path), result.get(path)];
    if (expected === undefined) wrong.push(`${path} is left over`);
    else if (found === undefined) wrong.push(`${path} is missing`);
    else if (expected !== found) wrong.push(`${path} has other bytes`);
  }
  for (const path of await leftovers(folder)) wrong.push(`${path} is left over`);
  if (wrong.length === 0) await rm(folder, { recursive: true });
  return [...new Set(wrong)];
}

async function everythingIn(folder: string) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map(entry => ({ entry, path: join(entry.parentPath, entry.name).slice(folder.length + 1) }));
}

/** Every file and folder a command is run for, with the hash of its bytes. */
async function resultOf(folder: string): Promise<Map<string, string>> {
  const result = new Map<string, string>();
  for (const { entry, path } of await everythingIn(folder)) {
    const content = entry.isFile() && !APPENDED.test(path) ? sha256(await readFile(join(folder, path))) : '';
    result.set(path, content);
  }
  return result;
}

/** What belongs to a process at work alone. */
async function leftovers(folder: string): Promise<string[]> {
  const paths = (await everythingIn(folder)).map(({ path }) => path);
  return paths.filter(path => isStaging(basename(path)) || basename(path) === '.lock');
}

/** Two at a time: each run has one thread. */
export async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

export const callText = ({ name, path }: FileCall) => `${name} ${path}`;
