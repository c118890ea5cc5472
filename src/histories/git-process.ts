/**
 * Runs git on a repository that is not trusted: nothing in its configuration or files may start a program, and nothing
 * is fetched. Settings that name a program are either overridden here or can only be reached through a transport, and
 * no transport is allowed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { printable } from '../common/printable.ts';

/** Where git's own programs are and how far it looks for a repository; every other variable of git's is dropped. */
const KEPT = /^GIT_(?:EXEC_PATH|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/;

const SAFE_VARIABLES = {
  LC_ALL: 'C',
  GIT_ALLOW_PROTOCOL: 'none', // a partial clone fetches what it lacks, by ssh, a helper or any program it names
  GIT_NO_LAZY_FETCH: '1', // the same, for a git that knows it
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ATTR_NOSYSTEM: '1',
};

const SAFE_CONFIG = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'core.quotePath=false',
  'diff.external=',
  'fetch.recurseSubmodules=false',
  'log.showRoot=true',
  'log.showSignature=false',
  'mailmap.file=', // a repository can name any path here, a pipe included
  'submodule.recurse=false',
];

/** A question that git does not answer in this time hangs, for example on a pipe that a configuration includes. */
const PATIENCE = 30_000;

/** A git that is bound to one repository. */
export interface Git {
  /** Starts git; `finished` rejects with one sentence where git cannot be started or fails. */
  start(args: readonly string[]): { child: ChildProcess; finished: Promise<void> };
  /** What git prints, whole. */
  ask(args: readonly string[]): Promise<string>;
}

/**
 * Of the user's own settings only `safe.directory` is passed on: git refuses a repository that belongs to somebody else
 * unless the user has said that it is safe.
 */
export async function openGit(path: string): Promise<Git> {
  const safe: string[] = [];
  for (const scope of ['--system', '--global']) {
    const args = ['config', scope, '--includes', '-z', '--get-all', 'safe.directory'];
    // Asked outside the repository and with the user's own variables: these are the user's files. None is no failure.
    const values = await answer(startIn(path, tmpdir(), args, process.env)).catch(error => {
      if (error instanceof IdiolectError && /was not found|cannot be started/.test(error.message)) throw error;
      return '';
    });
    safe.push(...values.split('\0').slice(0, -1));
  }
  const config = [...safe.map(value => `safe.directory=${value}`), ...SAFE_CONFIG].flatMap(setting => ['-c', setting]);
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  const env = { ...Object.fromEntries(kept), ...SAFE_VARIABLES };
  const start = (args: readonly string[], timeout?: number) =>
    startIn(path, path, ['--no-pager', ...config, ...args], env, timeout);
  return { start, ask: args => answer(start(args, PATIENCE)) };
}

async function answer({ child, finished }: ReturnType<Git['start']>): Promise<string> {
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', piece => {
    text += piece;
  });
  await finished;
  return text;
}

function startIn(path: string, folder: string, args: readonly string[], env: NodeJS.ProcessEnv, timeout?: number) {
  const child = spawn('git', ['-C', folder, ...args], { env, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
  const shown = printable(path, 400);
  let complaint = '';
  child.stderr!.setEncoding('utf8').on('data', (piece: string) => {
    if (complaint.length < 4096) complaint += piece;
  });
  const finished = new Promise<void>((done, failed) => {
    child.once('error', error => {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = missing
        ? 'the program "git" was not found. Install git'
        : `git cannot be started (${reasonOf(error)})`;
      failed(new IdiolectError('DATA', `${shown} cannot be read: ${why}.`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      if (code === 0) done();
      else if (signal && timeout)
        failed(new IdiolectError('DATA', `${shown}: git did not answer within ${timeout / 1000} seconds.`));
      else failed(gitError(shown, complaint));
    });
  });
  finished.catch(() => {}); // whoever awaits it gets the error; nobody does when the caller stops early
  return { child, finished };
}

function gitError(path: string, complaint: string): IdiolectError {
  if (/not a git repository/i.test(complaint)) return new IdiolectError('DATA', `${path} is not a git repository.`);
  if (/dubious ownership/.test(complaint)) {
    const allow = 'if you trust it, run: git config --global --add safe.directory PATH';
    return new IdiolectError('DATA', `${path} belongs to another user, so git does not read it; ${allow}.`);
  }
  if (/transport '.*' not allowed|promisor remote|lazy fetch|unable to read [0-9a-f]{40}|bad object/.test(complaint)) {
    const remedy = 'Nothing is fetched during an import: clone it without --filter first';
    return new IdiolectError('DATA', `${path} lacks some of its files' contents, as a partial clone does. ${remedy}.`);
  }
  const said = complaint.split('\n').find(line => line.trim() !== '') ?? 'it said nothing';
  return new IdiolectError('DATA', `git failed in ${path}: ${printable(said.replace(/^(?:fatal|error): /, ''), 400)}`);
}
