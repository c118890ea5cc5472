/** Imports a git repository: who changed what, and how they put it in a subject line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { commitToRecord } from './commits.ts';
import { isBot, pseudonyms as pseudonymsOf } from './git-authors.ts';
import { type LoggedCommit, logFormat, parseLog } from './git-log.ts';
import type { HistoryRecord } from './record.ts';
import { normaliseTime } from './time.ts';

export interface GitOptions {
  /** Name users by a pseudonym (see `pseudonyms`; the default), or as "Name <e-mail>". */
  pseudonyms?: boolean;
  /** Salt of the pseudonyms. Default: a fixed one, the same for everybody. */
  salt?: string;
  /** A branch, tag or commit. Default: what is checked out. */
  branch?: string;
  /** Only commits made since then: an ISO 8601 date, or git's own words such as "2 years ago". */
  since?: string;
  /** Changed files listed in the input. Default 6. */
  maxFiles?: number;
  /** Added and removed lines kept of each file. Default 8. */
  maxDiffLines?: number;
  /** Characters kept of each line, default 120, and of the whole diff, default 420. */
  maxLineChars?: number;
  maxDiffChars?: number;
  /** Told at the end, in one sentence, how many commits were left out and why. */
  onSkip?: (message: string, skipped: number) => void;
}

/** Options that fix what a user's configuration could change in the output. */
const PLAIN_OUTPUT = [
  ['-z', '--raw', '--patch', '--unified=0', '--inter-hunk-context=0', '--encoding=UTF-8'],
  ['--find-renames=50%', '-l1000', '--no-ext-diff', '--no-textconv', '--no-color', '--no-show-signature', '--no-notes'],
  ['--diff-algorithm=myers', '--indent-heuristic', '--submodule=short', '--ignore-submodules=none', '--no-relative'],
  ['--src-prefix=a/', '--dst-prefix=b/', '-O/dev/null'],
].flat();
const PLAIN_CONFIG = ['-c', 'core.quotePath=false', '-c', 'log.showRoot=true', '-c', 'core.attributesFile=/dev/null'];

/**
 * Reads the commits of a repository, oldest first, as records: `commitToRecord`'s input, the subject line as output,
 * the author (after .mailmap) as user, the author date as time, the hash as id. Merges, reverts, commits by programs,
 * and commits without a subject or a changed file are left out; so is the edge of a shallow
 * clone, whose diff would be the whole tree.
 *
 * The repository is only read, by the `git` program, without a shell; ending the iteration early ends git too.
 *
 * @throws IdiolectError DATA where there is no git, no repository, no such branch, no commit, or none that is kept.
 */
export async function* importGit(path: string, options: GitOptions = {}): AsyncGenerator<HistoryRecord> {
  const { branch = 'HEAD', since, onSkip } = options;
  const shallow = await checkRepository(path, branch);
  const mark = randomBytes(16).toString('hex');
  const from = since === undefined ? [] : [`--since=${normaliseTime(since) ?? since}`];
  const range = ['--reverse', '--no-merges', ...from, branch, '--'];
  const log = startGit(path, [...PLAIN_CONFIG, 'log', `--format=${logFormat(mark)}`, ...PLAIN_OUTPUT, ...range]);
  const limits = {
    maxFiles: options.maxFiles ?? 6,
    maxDiffLines: options.maxDiffLines ?? 8,
    maxLineChars: options.maxLineChars ?? 120,
    maxDiffChars: options.maxDiffChars ?? 420,
  };
  const pseudonym = pseudonymsOf(options.salt);
  const leftOut = new Map<string, number>();
  let kept = 0;
  try {
    for await (const commit of parseLog(log.child.stdout!, mark, limits)) {
      const why = shallow.has(commit.hash) ? 'at the edge of a shallow clone' : reasonToLeaveOut(commit);
      if (why) {
        leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
        continue;
      }
      kept += 1;
      const named =
        options.pseudonyms === false ? `${commit.name} <${commit.email}>` : pseudonym(commit.email || commit.name);
      const { time: date, files, fileCount: nfiles, diff, subject } = commit;
      yield { ...commitToRecord({ user: named, date, files, nfiles, diff, subject }), id: commit.hash };
    }
    await log.finished;
  } finally {
    log.child.kill();
  }
  const total = [...leftOut.values()].reduce((sum, count) => sum + count, 0);
  const reasons = [...leftOut].map(([why, count]) => `${count} ${why}`).join(', ');
  if (kept === 0) {
    const none = total > 0 ? `none of its commits is kept (${reasons})` : 'it has no commits in the range asked for';
    throw new IdiolectError('DATA', `${path}: ${none}.`);
  }
  if (total > 0) onSkip?.(`${path}: ${total} commits were left out: ${reasons}.`, total);
}

function reasonToLeaveOut({ name, email, subject, message, fileCount }: LoggedCommit): string | null {
  if (subject === '') return 'without a subject';
  if (name === '' && email === '') return 'without an author';
  if (isBot(name, email)) return 'by programs';
  if (fileCount === 0) return 'that change no file';
  if (/^(?:revert|reapply) "/i.test(subject) || /^This reverts commit [0-9a-f]{7,}/m.test(message))
    return 'that revert';
  // A merge whose second parent was lost, as in squashed or converted histories.
  if (/^Merge (?:branch|pull request|remote-tracking branch|tag|commit) /.test(subject)) return 'that merge';
  return null;
}

/** Makes sure that there is something to read; gives the commits at which a shallow clone was cut off. */
async function checkRepository(path: string, branch: string): Promise<Set<string>> {
  if (!(await stat(path).catch(() => null))?.isDirectory()) throw new IdiolectError('DATA', `${path} is not a folder.`);
  if (branch.startsWith('-')) throw new IdiolectError('DATA', `"${branch}" is not the name of a branch.`);
  const shallowFile = await askGit(path, ['rev-parse', '--git-path', 'shallow']);
  await askGit(path, ['rev-parse', '--verify', '--quiet', `${branch}^{commit}`]).catch(() => {
    const missing = branch === 'HEAD' ? 'has no commits yet' : `has no branch, tag or commit "${branch}"`;
    throw new IdiolectError('DATA', `the git repository ${path} ${missing}.`);
  });
  const cut = await readFile(resolve(path, shallowFile.trim()), 'utf8').catch(() => '');
  return new Set(cut.split('\n').filter(hash => hash !== ''));
}

async function askGit(path: string, args: string[]): Promise<string> {
  const { child, finished } = startGit(path, args);
  let text = '';
  child.stdout!.setEncoding('utf8').on('data', piece => {
    text += piece;
  });
  await finished;
  return text;
}

/** Variables that point git elsewhere (set inside hooks) or change what it prints. */
const UNWANTED = /^GIT_(?:DIR|WORK_TREE|INDEX_FILE|NAMESPACE|PREFIX|COMMON_DIR|EXTERNAL_DIFF|DIFF_OPTS|TRACE.*)$/;

/** Starts git. `finished` rejects with one sentence where git cannot be started or fails. */
function startGit(path: string, args: string[]): { child: ChildProcess; finished: Promise<void> } {
  const kept = Object.entries(process.env).filter(([variable]) => !UNWANTED.test(variable));
  const env = { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' };
  const child = spawn('git', ['-C', path, '--no-pager', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
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
      failed(new IdiolectError('DATA', `${path} cannot be read: ${why}.`, { cause: error }));
    });
    child.once('close', code => (code === 0 ? done() : failed(gitError(path, complaint))));
  });
  finished.catch(() => {}); // whoever awaits it gets the error; nobody does when the caller stops early
  return { child, finished };
}

function gitError(path: string, complaint: string): IdiolectError {
  if (/not a git repository/i.test(complaint)) return new IdiolectError('DATA', `${path} is not a git repository.`);
  const said = complaint.split('\n').find(line => line.trim() !== '') ?? 'it said nothing';
  return new IdiolectError('DATA', `git failed in ${path}: ${said.replace(/^(?:fatal|error): /, '')}`);
}
