/** Imports a git repository: who changed what, and how they put it in a subject line. */

import { randomBytes } from 'node:crypto';
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import { setting } from '../common/wording.ts';
import { commitToRecord } from './commits.ts';
import { isBot, pseudonyms as pseudonymsOf } from './git-authors.ts';
import { LIMITS } from './git-diff.ts';
import { type LoggedCommit, logFormat, parseLog } from './git-log.ts';
import { type Git, openGit } from './git-process.ts';
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
  /**
   * Commits by authors that look like programs (see `isBot`) are left out, which is the default, or kept.
   */
  bots?: 'leave-out' | 'keep';
  /** Called at the end, with one sentence: how many commits were left out and why. */
  onSkip?: (message: string, skipped: number) => void;
}

/** Options that fix what a user's configuration could change in the output. */
const PLAIN_OUTPUT = [
  ['-z', '--raw', '--patch', '--unified=0', '--inter-hunk-context=0', '--encoding=UTF-8'],
  ['--find-renames=50%', '-l1000', '--no-ext-diff', '--no-textconv', '--no-color', '--no-show-signature', '--no-notes'],
  ['--diff-algorithm=myers', '--indent-heuristic', '--submodule=short', '--ignore-submodules=none', '--no-relative'],
  ['--src-prefix=a/', '--dst-prefix=b/', '-O/dev/null'],
].flat();

/**
 * Reads the commits of a repository, oldest first, as records: `commitToRecord`'s input, the subject line as output,
 * the author (after .mailmap) as user, the author date as time, the hash as id. Merges, reverts, commits by programs,
 * and commits without a subject or a changed file are left out; so is the edge of a shallow
 * clone, whose diff would be the whole tree.
 *
 * The repository is only read, by the `git` program, without a shell, and no setting in it can start a program (see
 * `openGit`); ending the iteration early ends git too.
 *
 * @throws IdiolectError DATA where there is no git, no repository, no such branch, no commit, or none that is kept.
 */
export async function* importGit(path: string, options: GitOptions = {}): AsyncGenerator<HistoryRecord> {
  const { branch = 'HEAD', since, onSkip } = options;
  const git = await openGitAt(path, branch);
  const shallow = await shallowEdge(path, git);
  const mark = randomBytes(16).toString('hex');
  const start = since === undefined ? null : await sinceOf(git, normaliseTime(since) ?? since);
  const range = ['--reverse', ...(start?.args ?? []), branch, '--'];
  const log = git.start(['log', `--format=${logFormat(mark)}`, ...PLAIN_OUTPUT, ...range]);
  const limits = {
    maxFiles: options.maxFiles ?? LIMITS.maxFiles,
    maxDiffLines: options.maxDiffLines ?? LIMITS.maxDiffLines,
    maxLineChars: options.maxLineChars ?? LIMITS.maxLineChars,
    maxDiffChars: options.maxDiffChars ?? LIMITS.maxDiffChars,
  };
  const pseudonym = pseudonymsOf(options.salt);
  const leftOut = new Map<string, number>();
  const programs = new Map<string, number>();
  let [kept, shared, damaged] = [0, 0, 0];
  try {
    for await (const commit of parseLog(log.child.stdout!, mark, limits)) {
      if (start && commit.committed < start.seconds) continue;
      const why = shallow.has(commit.hash)
        ? 'at the edge of a shallow clone'
        : reasonToLeaveOut(commit, options.bots === 'keep');
      if (why) {
        if (why === BY_PROGRAMS) programs.set(commit.name, (programs.get(commit.name) ?? 0) + 1);
        leftOut.set(why, (leftOut.get(why) ?? 0) + 1);
        continue;
      }
      kept += 1;
      if (/^co-authored-by:/im.test(commit.message)) shared += 1;
      if (commit.diff.includes('\ufffd')) damaged += 1;
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
  const notes = [
    ...(total > 0 ? [`${counted(total, 'commit was', 'commits were')} left out: ${reasons}.`] : []),
    ...(programs.size > 0 ? [`Taken for programs: ${listed(programs)}; ${setting('bots')} keep keeps them.`] : []),
    ...(damaged > 0
      ? [
          `${counted(damaged, 'commit changes', 'commits change')} lines that are not UTF-8; their bytes read as U+FFFD.`,
        ]
      : []),
    ...(shared > 0
      ? [
          `${counted(shared, 'commit names', 'commits name')} co-authors, who are not recorded: each counts as its author's.`,
        ]
      : []),
  ];
  if (notes.length > 0) onSkip?.(`${path}: ${notes.join(' ')}`, total);
}

/** The programs with the most commits, and how many those are. */
function listed(programs: ReadonlyMap<string, number>): string {
  const most = [...programs].sort((a, b) => b[1] - a[1]);
  const names = most.slice(0, 20).map(([name, count]) => `${printable(name, 60)} (${count})`);
  return [...names, ...(most.length > 20 ? [`${most.length - 20} more`] : [])].join(', ');
}

const BY_PROGRAMS = 'by programs';

/** A longer subject is no line that a person wrote. */
const LONGEST_SUBJECT = 4096;

function reasonToLeaveOut(commit: LoggedCommit, keepBots: boolean): string | null {
  const { name, email, subject, message, fileCount, parents } = commit;
  if (parents > 1) return 'that merge';
  if (subject === '') return 'without a subject';
  if (name === '' && email === '') return 'without an author';
  if (!keepBots && isBot(name, email)) return BY_PROGRAMS;
  // git has converted what declares its encoding (i18n.commitEncoding); what is left has bytes of an unknown one.
  if (subject.includes('\ufffd')) return 'with a subject that is neither UTF-8 nor in the encoding it declares';
  if (subject.length > LONGEST_SUBJECT) return `with a subject of more than ${LONGEST_SUBJECT} characters`;
  if (fileCount === 0) return 'that change no file';
  if (/^(?:revert|reapply) "/i.test(subject) || /^This reverts commit [0-9a-f]{7,}/m.test(message))
    return 'that revert';
  // A merge whose second parent was lost, as in squashed or converted histories.
  if (/^Merge (?:branch|pull request|remote-tracking branch|tag|commit) /.test(subject)) return 'that merge';
  return null;
}

/** A mailmap above this size is no list of people. */
const MAILMAP_BYTES = 16 * 1024 * 1024;

/** Makes sure that the path is a whole repository with something to read. */
async function openGitAt(path: string, branch: string): Promise<Git> {
  if (!(await stat(path).catch(() => null))?.isDirectory()) throw new IdiolectError('DATA', `${path} is not a folder.`);
  if (branch.startsWith('-')) throw new IdiolectError('DATA', `"${branch}" is not the name of a branch.`);
  const git = await openGit(path);
  const top = await topFolder(git);
  // git looks in the parent folders too: from a folder inside, it would give the whole repository's commits.
  if ((await realpath(path)) !== (await realpath(top))) {
    const where = `${path} is inside the git repository ${printable(top, 400)}, not a repository of its own`;
    throw new IdiolectError('DATA', `${where}. Name that folder to import all of its commits.`);
  }
  const mailmap = await lstat(join(path, '.mailmap')).catch(() => null);
  if (mailmap && !mailmap.isSymbolicLink() && !(mailmap.isFile() && mailmap.size <= MAILMAP_BYTES)) {
    throw new IdiolectError('DATA', `${path}/.mailmap must be a regular file of at most 16 MiB. Move it away.`);
  }
  await git.ask(['rev-parse', '--verify', '--quiet', `${branch}^{commit}`]).catch(() => {
    const missing = branch === 'HEAD' ? 'has no commits yet' : `has no branch, tag or commit "${printable(branch)}"`;
    throw new IdiolectError('DATA', `the git repository ${path} ${missing}.`);
  });
  return git;
}

/** The top of the working tree; of a bare repository, and inside a .git folder, the repository itself. */
async function topFolder(git: Git): Promise<string> {
  const [folder, inside] = (await git.ask(['rev-parse', '--absolute-git-dir', '--is-inside-git-dir'])).split('\n');
  if (inside === 'true') return folder!;
  return (await git.ask(['rev-parse', '--show-toplevel'])).replace(/\n$/, '');
}

/** The commits at which a shallow clone was cut off. */
async function shallowEdge(path: string, git: Git): Promise<Set<string>> {
  const file = resolve(path, (await git.ask(['rev-parse', '--git-path', 'shallow'])).trim());
  if (!(await stat(file).catch(() => null))?.isFile()) return new Set();
  return new Set((await readFile(file, 'utf8')).split('\n').filter(hash => hash !== ''));
}

/**
 * git's `--since` stops at the first older commit, and loses the newer ones behind it where a clock was wrong. From 2.37
 * on git can filter instead; the caller filters in any case.
 */
async function sinceOf(git: Git, since: string): Promise<{ seconds: number; args: string[] }> {
  const seconds = Number((await git.ask(['rev-parse', `--since=${since}`])).trim().replace('--max-age=', ''));
  const [major = 0, minor = 0] = (await git.ask(['version'])).match(/\d+/g)!.map(Number);
  return { seconds, args: major > 2 || minor >= 37 ? [`--since-as-filter=${since}`] : [] };
}
