/** A change that is not committed yet, as the input that `importGit` would make of its commit. */
import { stripVTControlCharacters } from 'node:util';
import { IdiolectError } from '../common/errors.ts';
import { commitInput } from './commits.ts';
import { closeCommit, fileLine, type OpenCommit, readPatchLine } from './git-log.ts';

/** What `importGit` keeps where nothing else is asked for. */
export const LIMITS = { maxFiles: 6, maxDiffLines: 8, maxLineChars: 120, maxDiffChars: 420 };

/**
 * Reads what `git diff --cached` prints.
 *
 * @throws IdiolectError DATA where it holds no change of a file.
 */
export function diffInput(text: string): string {
  const commit: Pick<OpenCommit, 'diff' | 'lines' | 'chars' | 'inHunk' | 'linesOfFile'> = {
    diff: '',
    lines: [],
    chars: 0,
    inHunk: false,
    linesOfFile: 0,
  };
  const changes: { status: string; paths: string[] }[] = [];
  for (const line of withoutColour(text).split('\n')) {
    readPatchLine(commit, line, 0, line.length, LIMITS);
    const last = changes.at(-1);
    if (line.startsWith('diff --git ')) changes.push({ status: 'M', paths: [pathOf(line.slice(11))] });
    else if (!last || commit.inHunk) continue;
    else if (line.startsWith('new file mode ')) last.status = 'A';
    else if (line.startsWith('deleted file mode ')) last.status = 'D';
    else if (/^(?:rename|copy) from /.test(line)) {
      last.status = line.startsWith('rename') ? 'R' : 'C';
      last.paths = [unquoted(line.slice(line.indexOf(' from ') + 6))];
    } else if (/^(?:rename|copy) to /.test(line)) last.paths.push(unquoted(line.slice(line.indexOf(' to ') + 4)));
  }
  if (changes.length === 0) {
    const how = 'Stage a change, then run: git diff --cached -M | idiolect import diff';
    throw new IdiolectError(
      'DATA',
      `expected the output of git diff on standard input; found no changed file. ${how}.`,
    );
  }
  // A file that became a link, or a link a file, is shown as deleted and added.
  const files = changes.flatMap(({ status, paths }, i) => {
    const next = changes[i + 1];
    const previous = changes[i - 1];
    if (status === 'D' && next?.status === 'A' && next.paths[0] === paths[0]) return [fileLine('T', paths)];
    if (status === 'A' && previous?.status === 'D' && previous.paths[0] === paths[0]) return [];
    return [fileLine(status, paths)];
  });
  const { diff } = closeCommit(commit, LIMITS);
  return commitInput({ files: files.slice(0, LIMITS.maxFiles), nfiles: files.length, diff });
}

/** With color.ui=always git colours what it writes into a pipe, too. */
function withoutColour(text: string): string {
  return text.startsWith('\u001b[') ? stripVTControlCharacters(text) : text;
}

/** `a/path b/path`, whose halves have one length; with diff.noprefix the two are equal. */
function pathOf(names: string): string {
  const [left, right] = [names.slice(0, (names.length - 1) / 2), names.slice((names.length + 1) / 2)].map(unquoted);
  return left === right ? right! : right!.slice(right!.indexOf('/') + 1);
}

/** git writes a path of unusual bytes as a C string: "a\303\274.txt". */
function unquoted(name: string): string {
  if (!name.startsWith('"')) return name;
  const letters: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };
  const parts = name.slice(1, -1).match(/\\[0-7]{3}|\\.|[^\\]+/gsu) ?? [];
  const bytes = parts.map(part => {
    if (part[0] !== '\\') return Buffer.from(part);
    const code = /\d/.test(part[1]!) ? Number.parseInt(part.slice(1), 8) : letters[part[1]!];
    return code === undefined ? Buffer.from(part.slice(1)) : Buffer.from([code]);
  });
  return Buffer.concat(bytes).toString();
}
