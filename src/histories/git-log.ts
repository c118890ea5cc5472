/** Takes the output of `git log` apart as it arrives: one commit at a time, whatever its patch's size. */

export interface LogLimits {
  /** Changed files listed; the rest is counted. */
  maxFiles: number;
  /** Added and removed lines kept of each file. */
  maxDiffLines: number;
  /** Characters (code points) kept of a line, sign included. */
  maxLineChars: number;
  /** Characters (code points) kept of the whole diff. */
  maxDiffChars: number;
}

export interface LoggedCommit {
  hash: string;
  name: string;
  email: string;
  /** Author time, Unix seconds. */
  time: number;
  /** Committer time, Unix seconds. */
  committed: number;
  /** How many commits it follows: more than one for a merge. */
  parents: number;
  /** The first line of the message. Git's own %s joins all lines of the first paragraph. */
  subject: string;
  message: string;
  /** Status letter and path, at most `maxFiles`. A rename reads "R old -> new". */
  files: string[];
  fileCount: number;
  /** Added and removed lines with their sign, trimmed, blank ones left out. */
  diff: string;
}

/**
 * The format for `git log -z --raw --patch`. `mark` must be random for each run: it is what tells a new commit from a
 * patch, and a repository can hold any text that is known beforehand.
 */
export const logFormat = (mark: string) =>
  `${mark}%x00${['%H', '%aN', '%aE', '%at', '%ct', '%P', '%B'].join('%x00')}%x00`;
const FIELDS = 8; // the mark and the seven above

/** Lines of fewer characters, indentation included, are left out: a brace or comment sign alone says little. */
const SHORT_LINE = 3;

/** A line without an end this long is not worth keeping: only its start could be used. */
const LONG_LINE = 1 << 16;

/** Characters kept of a message or a path; the rest is passed over as it arrives. */
const LONG_FIELD = 1 << 16;
const LONG_PATH = 4096;

/** Parses what `git log -z --raw --patch --format=<logFormat(mark)>` prints. Invalid UTF-8 becomes U+FFFD. */
export async function* parseLog(
  pieces: AsyncIterable<Uint8Array>,
  mark: string,
  limits: LogLimits,
): AsyncGenerator<LoggedCommit> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const parser = new LogParser(mark, limits);
  for await (const piece of pieces) yield* parser.feed(decoder.decode(piece, { stream: true }), false);
  yield* parser.feed(decoder.decode(), true);
}

/** The commit being read, with what the patch parser needs to know. */
export interface OpenCommit extends LoggedCommit {
  lines: string[];
  chars: number;
  inHunk: boolean;
  linesOfFile: number;
}

type PatchState = Pick<OpenCommit, 'lines' | 'chars' | 'inHunk' | 'linesOfFile'>;

class LogParser {
  private readonly mark: string;
  private readonly limits: LogLimits;
  private text = '';
  private at = 0;
  private commit: OpenCommit | null = null;
  private state: 'raw' | 'patch' | 'rest of a long line' = 'raw';
  /** The NUL-ended fields being collected, a header's or a file entry's, and how many there will be. */
  private fields: string[] = [];
  private field = '';
  private wanted = 0;

  constructor(mark: string, limits: LogLimits) {
    this.mark = mark;
    this.limits = limits;
  }

  /** Takes more text and yields the commits it completes; `last` says that no more will come. */
  *feed(text: string, last: boolean): Generator<LoggedCommit> {
    this.text = this.text.slice(this.at) + text;
    this.at = 0;
    for (;;) {
      const done = this.step(last);
      if (done === 'more') break;
      if (done) yield done;
    }
    if (last && this.commit) yield closeCommit(this.commit, this.limits);
  }

  /** Reads one commit header, one file entry or one patch line. */
  private step(last: boolean): LoggedCommit | 'more' | null {
    if (this.wanted > 0) return this.collect();
    if (this.state === 'rest of a long line') return this.skipLine();
    // Between the sections of a commit, and between commits, git puts NULs and line feeds of no meaning.
    while (this.text[this.at] === '\0' || (this.state === 'raw' && this.text[this.at] === '\n')) this.at += 1;
    if (this.text.length - this.at < this.mark.length && !last) return 'more';
    if (this.at >= this.text.length) return 'more';
    if (this.text.startsWith(this.mark, this.at)) {
      this.wanted = FIELDS;
      return null;
    }
    if (this.state === 'raw') {
      if (this.text[this.at] === ':') {
        this.wanted = 2;
        return null;
      }
      this.state = 'patch';
    }
    return this.patchLine(last);
  }

  /** Adds to the fields what has arrived, in time linear in it. */
  private collect(): LoggedCommit | 'more' | null {
    const end = this.text.indexOf('\0', this.at);
    const stop = end < 0 ? this.text.length : end;
    this.field += this.text.slice(this.at, Math.min(stop, this.at + LONG_FIELD - this.field.length));
    this.at = end < 0 ? stop : end + 1;
    if (end < 0) return 'more';
    this.fields.push(this.field);
    this.field = '';
    // A renamed or copied file has a second path.
    if (this.fields.length === 1 && this.wanted === 2 && 'RC'.includes(statusOf(this.fields[0]!))) this.wanted = 3;
    if (this.fields.length < this.wanted) return null;
    const [fields, isHeader] = [this.fields, this.wanted === FIELDS];
    this.fields = [];
    this.wanted = 0;
    return isHeader ? this.header(fields) : this.fileEntry(fields);
  }

  private header(fields: string[]): LoggedCommit | null {
    const [hash, name, email, time, committed, parents, message] = fields.slice(1) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const finished = this.commit && closeCommit(this.commit, this.limits);
    const subject = (message.trimStart().split('\n', 1)[0] ?? '').trim();
    const times = { time: Number(time), committed: Number(committed) };
    const found = { hash, name, email, ...times, parents: parents.split(' ').length, subject, message };
    this.commit = { ...found, files: [], fileCount: 0, diff: '', lines: [], chars: 0, inHunk: false, linesOfFile: 0 };
    this.state = 'raw';
    return finished;
  }

  /** `:100644 100644 1a2b 3c4d M NUL path NUL`, with a second path where the file was renamed or copied. */
  private fileEntry([entry, ...paths]: string[]): null {
    const commit = this.commit!;
    commit.fileCount += 1;
    if (commit.files.length < this.limits.maxFiles) {
      commit.files.push(fileLine(statusOf(entry!), paths));
    }
    return null;
  }

  private patchLine(last: boolean): 'more' | null {
    let end = this.text.indexOf('\n', this.at);
    if (end < 0) {
      if (!last && this.text.length - this.at < LONG_LINE) return 'more';
      end = this.text.length;
      this.state = 'rest of a long line';
    }
    readPatchLine(this.commit, this.text, this.at, end, this.limits);
    this.at = this.state === 'patch' ? end + 1 : end;
    return null;
  }

  private skipLine(): 'more' | null {
    const end = this.text.indexOf('\n', this.at);
    this.at = end < 0 ? this.text.length : end + 1;
    if (end < 0) return 'more';
    this.state = 'patch';
    return null;
  }
}

/** The status letter of `:100644 100644 1a2b 3c4d R090`. */
const statusOf = (entry: string) => entry.slice(entry.lastIndexOf(' ') + 1)[0] ?? 'M';

/** One changed file as the input shows it. A path may hold a line feed; the input has one path a line. */
export function fileLine(status: string, paths: readonly string[]): string {
  const shown = paths.map(path => path.slice(0, LONG_PATH).replaceAll(/\p{Cc}/gu, ' '));
  return `${status} ${shown.join(' -> ')}`;
}

/** Inside a hunk every line begins with its sign, so a header line (`diff`, `@@`, `---`) cannot be taken for text. */
export function readPatchLine(
  commit: PatchState | null,
  text: string,
  from: number,
  to: number,
  limits: LogLimits,
): void {
  if (!commit) return;
  if (text.startsWith('diff --git ', from)) {
    commit.inHunk = false;
    commit.linesOfFile = 0;
  } else if (text.startsWith('@@ ', from)) {
    commit.inHunk = true;
  } else if (commit.inHunk && (text[from] === '+' || text[from] === '-')) {
    if (commit.linesOfFile >= limits.maxDiffLines || commit.chars > limits.maxDiffChars) return;
    const content = text.slice(from + 1, to).trim();
    if (content === '' || to - from - 1 < SHORT_LINE) return;
    const line = firstChars(text[from] + content, limits.maxLineChars);
    commit.lines.push(line);
    commit.chars += line.length;
    commit.linesOfFile += 1;
  }
}

export function closeCommit<T extends PatchState & { diff: string }>(open: T, limits: LogLimits) {
  const { lines, chars, inHunk, linesOfFile, ...commit } = open;
  return { ...commit, diff: firstChars(lines.join('\n'), limits.maxDiffChars) };
}

/** The first `count` code points: a cut between the halves of a surrogate pair would leave a broken character. */
function firstChars(text: string, count: number): string {
  if (text.length <= count) return text;
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join('');
}
