/** Repositories as histories: made by git itself, with what real repositories hold and what users configure. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cpuTimeOf } from '../../tests/support/cpu-time.ts';
import { collect } from './collect.ts';
import { importGit } from './git.ts';
import { isBot, pseudonyms } from './git-authors.ts';
import { diffInput } from './git-diff.ts';
import { logFormat, parseLog } from './git-log.ts';

const hasGit = spawnSync('git', ['--version']).status === 0;
if (!hasGit) console.log('skipped: git is not installed');

let folder = '';
let clock = 0;
function git(cwd: string, args: string[], author = 'Ann Lee <ann@example.org>'): string {
  const [, name, email] = /^(.*) <(.*)>$/.exec(author)!;
  const date = `${1_700_000_000 + 3600 * clock++} +0100`;
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'C',
    GIT_COMMITTER_EMAIL: 'c@example.org',
    GIT_COMMITTER_DATE: date,
  };
  const done = spawnSync('git', ['-C', cwd, ...args], { env, encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`git ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}
function repository(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  git(path, ['init', '-q', '-b', 'main']);
  return path;
}
function commit(path: string, message: string | Buffer, files: Record<string, string | Buffer> = {}, author?: string) {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  const file = join(folder, 'message');
  writeFileSync(file, message);
  git(path, ['add', '-A']);
  git(path, ['commit', '-q', '--allow-empty', '--allow-empty-message', '-F', file], author);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'idiolect-git-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasGit)('importGit', () => {
  test('oldest first; files, first lines of the diff, subject; root, rename, binary and deleted files', async () => {
    const path = repository('plain');
    commit(path, 'Start\nin two lines\n\nwith a body', {
      'a.txt': 'one\n\n   two  \n{\n',
      'odd "name"\nü.txt': '--- a\n+++ b\n@@ c\n',
    });
    commit(path, 'Second line', { 'a.txt': 'one\n\nTWO\n{\ndiff --git a b\n' });
    renameSync(join(path, 'a.txt'), join(path, 'b.txt'));
    commit(path, 'Rename and add a picture', { picture: Buffer.from([0, 1, 2, 0xff]) });
    rmSync(join(path, 'picture'));
    commit(path, 'Remove');
    const records = await collect(importGit(path));
    expect(records.map(({ output, input }) => [output, input.split('\n')])).toEqual([
      ['Start', ['A a.txt', 'A odd "name" ü.txt', '+one', '+two', '+--- a', '++++ b', '+@@ c']],
      ['Second line', ['M a.txt', '-two', '+TWO', '+diff --git a b']],
      ['Rename and add a picture', ['R a.txt -> b.txt', 'A picture']],
      ['Remove', ['D picture']],
    ]);
    const head = git(path, ['rev-parse', 'HEAD']).trim();
    expect(records.at(-1)).toMatchObject({ id: head, user: pseudonyms()('ann@example.org') });
    expect(records.map(({ time }) => time)).toEqual([...records.map(({ time }) => time)].sort());
    expect(records[0]!.time).toMatch(/^2023-11-1\dT\d\d:13:20\.000Z$/);
  });

  test('keeps what the data sets keep: six files, eight lines of each, 120 characters a line, 420 in all', async () => {
    const path = repository('large');
    const long = (i: number) => `${'x'.repeat(117)}😀😀${i}\n`;
    const files = Object.fromEntries(
      [...'abcdefgh'].map(name => [name, Array.from({ length: 20 }, (_, i) => `${name}.${i}\n`).join('')]),
    );
    commit(path, 'Many', files);
    commit(path, 'Wide', { y: long(1) + long(2) + long(3) + long(4), z: 'z'.repeat(3_000_000) });
    const [many, wide] = await collect(importGit(path));
    const lines = many!.input.split('\n');
    expect(lines.slice(0, 7)).toEqual(['A a', 'A b', 'A c', 'A d', 'A e', 'A f', '... 2 more']);
    expect(lines.slice(7, 17)).toEqual([...Array.from({ length: 8 }, (_, i) => `+a.${i}`), '+b.0', '+b.1']);
    const diff = wide!.input.slice('A y\nA z\n'.length);
    expect([...diff]).toHaveLength(420);
    expect(diff.split('\n').map(line => [...line].length)).toEqual([120, 120, 120, 57]);
    expect(diff.isWellFormed()).toBe(true);
    const only = await collect(importGit(path, { maxFiles: 1, maxDiffLines: 1, maxLineChars: 2, maxDiffChars: 5 }));
    expect(only.map(({ input }) => input)).toEqual(['A a\n... 7 more\n+a\n+b', 'A y\n... 1 more\n+x\n+z']);
  });

  test('merges, reverts, programs and commits without a subject are left out and counted', async () => {
    const path = repository('mixed');
    commit(path, 'Keep', { a: '1' });
    commit(path, 'Bump x', { a: '2' }, 'dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>');
    commit(path, 'Revert "Keep"\n\nThis reverts commit 0123456789.', { a: '3' });
    commit(path, 'Undo that\n\nThis reverts commit 0123456789.', { a: '4' });
    commit(path, '', { a: '5' });
    commit(path, 'Change nothing');
    git(path, ['checkout', '-q', '-b', 'side', 'HEAD~2']);
    commit(path, 'Side', { b: '1' });
    git(path, ['checkout', '-q', 'main']);
    git(path, ['merge', '-q', '--no-ff', '-m', 'Join', 'side']);
    const told: string[] = [];
    const records = await collect(importGit(path, { onSkip: message => told.push(message) }));
    expect(records.map(({ output }) => output)).toEqual(['Keep', 'Side']);
    expect(told.join()).toContain(
      ': 6 commits were left out: 1 by programs, 2 that revert, 1 without a subject, 1 that change no file, 1 that merge.',
    );
    expect((await collect(importGit(path, { branch: 'side~1' }))).map(({ output }) => output)).toEqual(['Keep']);
  });

  test('users by .mailmap, under a pseudonym or by name', async () => {
    const path = repository('names');
    commit(path, 'One', { '.mailmap': 'Ann Lee <ann@example.org> <old@example.org>\n' });
    commit(path, 'Two', { a: '2' }, 'ann <old@example.org>');
    commit(path, 'Three', { a: '3' }, 'Bo <bo@example.org>');
    const users = async (options: object) => (await collect(importGit(path, options))).map(({ user }) => user);
    const [one, two, three] = await users({});
    expect(one).toMatch(/^u[0-9a-f]{8}$/);
    expect(two).toBe(one);
    expect(three).not.toBe(one);
    expect(await users({ pseudonyms: false })).toEqual([
      ...Array(2).fill('Ann Lee <ann@example.org>'),
      'Bo <bo@example.org>',
    ]);
    expect(await users({ salt: 'other' })).not.toContain(one);
  });

  test("the user's git configuration and environment change nothing", async () => {
    const path = repository('configured');
    commit(path, 'One', { a: 'a\nb\nc\nd\ne\nf\n', ü: 'x\n', 'i.bin': 'text\n' });
    renameSync(join(path, 'a'), join(path, 'z'));
    commit(path, 'Two', { z: 'a\nb\nc\nd\nE\nf\n', ü: 'y\n', '.gitattributes': 'ü diff=mine\n' });
    const before = await collect(importGit(path));
    const settings = {
      'color.ui': 'always',
      'color.diff': 'always',
      'diff.external': 'false',
      'diff.mine.command': 'false',
      'diff.mine.textconv': 'false',
      'diff.noprefix': 'true',
      'diff.mnemonicPrefix': 'true',
      'diff.renames': 'false',
      'diff.context': '9',
      'diff.interHunkContext': '9',
      'diff.orderFile': join(path, 'z'),
      'diff.algorithm': 'patience',
      'diff.relative': 'true',
      'log.showSignature': 'true',
      'log.showRoot': 'false',
      'log.date': 'relative',
      'format.pretty': 'oneline',
      'format.notes': 'true',
      'i18n.logOutputEncoding': 'latin1',
      'core.quotePath': 'true',
    };
    for (const [name, value] of Object.entries(settings)) git(path, ['config', name, value]);
    git(path, ['notes', 'add', '-m', 'A note']);
    vi.stubEnv('GIT_DIR', join(folder, 'nowhere'));
    vi.stubEnv('GIT_EXTERNAL_DIFF', 'false');
    try {
      expect(await collect(importGit(path))).toEqual(before);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(before[1]!.input).toContain('R a -> z');
  });

  test('a declared encoding is read; a subject in an undeclared one is left out and counted', async () => {
    const path = repository('latin');
    git(path, ['config', 'i18n.commitEncoding', 'ISO-8859-1']);
    commit(path, Buffer.from('Caf\xe9', 'latin1'), { a: 'one\n' });
    // git itself writes only UTF-8 or what it declares; other programs have written neither.
    const read = spawnSync('git', ['-C', path, 'cat-file', 'commit', 'HEAD'], { encoding: 'latin1' }).stdout;
    const input = Buffer.from(read.replace('encoding ISO-8859-1\n', ''), 'latin1');
    const made = spawnSync('git', ['-C', path, 'hash-object', '-t', 'commit', '-w', '--stdin'], { input });
    git(path, ['reset', '-q', '--soft', made.stdout.toString().trim()]);
    commit(path, Buffer.from('Th\xe9', 'latin1'), { a: Buffer.from('caf\xe9 x\n', 'latin1') });
    const told: string[] = [];
    const records = await collect(importGit(path, { onSkip: message => told.push(message) }));
    expect(records.map(({ output }) => output)).toEqual(['Thé']);
    expect(records[0]!.input).toBe('M a\n-one\n+caf\ufffd x');
    expect(told.join()).toContain('1 with a subject that is neither UTF-8 nor in the encoding it declares.');
    expect(told.join()).toContain('1 commit changes lines that are not UTF-8');
  });

  test('a commit with an old date does not hide the ones behind it', async () => {
    const path = repository('clocks');
    const now = clock;
    commit(path, 'March', { a: '1' });
    clock = now - 40_000;
    commit(path, 'Years before', { a: '2' });
    clock = now + 1;
    commit(path, 'March again', { a: '3' });
    const records = await collect(importGit(path, { since: '2023-11-01' }));
    expect(records.map(({ output }) => output)).toEqual(['March', 'March again']);
  });

  test('a folder inside a repository and an uninitialised submodule are refused; bare repositories are read', async () => {
    const path = repository('outer');
    mkdirSync(join(path, 'inner'));
    commit(path, 'One', { 'inner/a': '1', '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = x\n' });
    mkdirSync(join(path, 'sub'));
    for (const name of ['inner', 'sub']) {
      await expect(collect(importGit(join(path, name)))).rejects.toThrow(`is inside the git repository ${path}, not`);
    }
    git(folder, ['clone', '-q', '--bare', path, 'bare']);
    for (const name of ['outer', 'outer/.git', 'bare']) {
      expect(await collect(importGit(join(folder, name)))).toHaveLength(1);
    }
  });

  test('a staged diff gives the input of its commit', async () => {
    const path = repository('staged');
    const numbers = Array.from({ length: 30 }, (_, i) => `line ${i}\n`);
    commit(path, 'One', { a: numbers.join(''), 'with space': 'x y\n', gone: 'gone\n', link: 'was a file\n' });
    renameSync(join(path, 'a'), join(path, 'b'));
    rmSync(join(path, 'gone'));
    rmSync(join(path, 'link'));
    symlinkSync('b', join(path, 'link'));
    const files = {
      b: numbers.map((line, i) => (i % 7 === 3 ? `new ${i}\n` : line)).join(''),
      'with space': '-- a\n++ b\n',
      'ü "q"\t': 'ü\n',
      empty: '',
      picture: Buffer.from([0, 1, 2]),
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
    git(path, ['add', '-A']);
    const prefixes = ['diff.noprefix=true', 'diff.mnemonicPrefix=true'];
    // Overruled by -M, as the help has it.
    const renames = ['diff.renames=false', 'diff.renames=copies'];
    const settings = [...prefixes, ...renames, 'color.ui=always', 'color.diff=always'];
    const configs = [[], ...settings.map(setting => ['-c', setting])];
    const inputs = configs.map(config => diffInput(git(path, [...config, 'diff', '--cached', '-M'])));
    git(path, ['commit', '-q', '-m', 'Two']);
    const [, two] = await collect(importGit(path));
    expect(inputs).toEqual(inputs.map(() => two!.input));
    expect(two!.input).toContain('T link');
    expect(() => diffInput('')).toThrow('found no changed file');
  });

  test('says who was taken for a program and that co-authors are not recorded', async () => {
    const path = repository('programs');
    commit(path, 'One\n\nCo-authored-by: Bo <bo@x.org>', { a: '1' });
    commit(path, 'Two', { a: '2' }, 'Jenkins\u001b[2J <jenkins@x.org>');
    commit(path, 'Three', { a: '3' }, 'Anna Jenkins <anna@x.org>');
    const told: string[] = [];
    const onSkip = (message: string) => told.push(message);
    expect((await collect(importGit(path, { onSkip }))).map(({ output }) => output)).toEqual(['One', 'Three']);
    expect(told.join()).toContain('Taken for programs: Jenkins\\u{1b}[2J (1); `bots` keep keeps them.');
    expect(told.join()).toContain("1 commit names co-authors, who are not recorded: each counts as its author's.");
    expect(await collect(importGit(path, { bots: 'keep' }))).toHaveLength(3);
  });

  test('only commits since a day; the edge of a shallow clone is left out', async () => {
    const path = repository('deep');
    for (const word of ['One', 'Two', 'Three']) commit(path, word, { a: word });
    const [, two] = await collect(importGit(path));
    expect((await collect(importGit(path, { since: two!.time }))).map(({ output }) => output)).toEqual([
      'Two',
      'Three',
    ]);
    await expect(collect(importGit(path, { since: '2099-01-01' }))).rejects.toThrow(
      'no commits in the range asked for.',
    );
    git(folder, ['clone', '-q', '--depth', '2', `file://${path}`, 'cut']);
    expect((await collect(importGit(join(folder, 'cut')))).map(({ output }) => output)).toEqual(['Three']);
  });

  test('stops git when the reader stops', async () => {
    for await (const record of importGit(join(folder, 'deep'))) {
      expect(record.output).toBe('One');
      break;
    }
  });

  test('says what is wrong', async () => {
    const failure = async (path: string, options = {}) => {
      const error = await collect(importGit(path, options)).catch(thrown => thrown);
      expect(error).toMatchObject({ name: 'IdiolectError', code: 'DATA' });
      return (error as Error).message.replaceAll(`${folder}/`, '');
    };
    mkdirSync(join(folder, 'bare folder'));
    vi.stubEnv('GIT_CEILING_DIRECTORIES', folder);
    expect(await failure(join(folder, 'bare folder'))).toBe('bare folder is not a git repository.');
    vi.unstubAllEnvs();
    expect(await failure(join(folder, 'missing'))).toBe('missing is not a folder.');
    expect(await failure(repository('empty'))).toBe('the git repository empty has no commits yet.');
    const deep = join(folder, 'deep');
    expect(await failure(deep, { branch: 'x' })).toBe('the git repository deep has no branch, tag or commit "x".');
    expect(await failure(deep, { branch: '--all' })).toBe('"--all" is not the name of a branch.');
    vi.stubEnv('PATH', join(folder, 'bare folder'));
    expect(await failure(deep)).toBe('deep cannot be read: the program "git" was not found. Install git.');
    vi.unstubAllEnvs();
  });
});

describe('parseLog', () => {
  test('reads the same however the output arrives', async () => {
    const mark = '0123456789abcdef0123456789abcdef';
    const header = (subject: string) =>
      ['', 'hash', 'é', 'e@x', '5', '6', 'parent', `\n${subject} \nmore\n`, ''].join('\0');
    const text =
      `${mark}${header('one')}\0\n:100644 100644 a b M\0pä\nth\0:1 1 a b R090\0x\0:y\0\0` +
      `diff --git a/p b/p\n--- a/p\n+++ b/p\n@@ -1 +1 @@ -x\n-ééé\n+}\n+  😀\n\\ No newline\ndiff --git a/x b/y\n@@ -2 +2 @@\n+z z\n\0` +
      `${mark}${header('two')}\0${mark}${header('three')}\0\n:0 1 a b A\0f\0\0`;
    expect(logFormat(mark).startsWith(mark)).toBe(true);
    const bytes = Buffer.from(text);
    const limits = { maxFiles: 6, maxDiffLines: 8, maxLineChars: 120, maxDiffChars: 420 };
    const read = async (size: number) => {
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      return collect(parseLog(pieces(), mark, limits));
    };
    const whole = await read(bytes.length);
    expect(whole.map(({ subject, files, diff }) => [subject, files, diff])).toEqual([
      ['one', ['M pä th', 'R x -> :y'], '-ééé\n+😀\n+z z'],
      ['two', [], ''],
      ['three', ['A f'], ''],
    ]);
    for (let size = 1; size < 60; size++) expect(await read(size)).toEqual(whole);
  });
});

describe('parseLog, bounded', () => {
  test('a message and a path of 64 MB are cut, in time linear in them', async () => {
    const mark = '0123456789abcdef0123456789abcdef';
    const long = Buffer.alloc(64 << 20, 'x');
    async function* pieces() {
      const parts = [`${mark}\0hash\0n\0e@x\x005\x006\0p\0Subject\n`, long, '\0\0\n:1 1 a b M\0', long, '\0\0'];
      for (const part of parts) {
        const bytes = Buffer.from(part);
        for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
      }
    }
    const limits = { maxFiles: 6, maxDiffLines: 8, maxLineChars: 120, maxDiffChars: 420 };
    const { result, seconds } = await cpuTimeOf(() => collect(parseLog(pieces(), mark, limits)));
    const [found] = result;
    expect(seconds).toBeLessThan(5); // it was 21 when quadratic, and takes a tenth of one
    expect(found).toMatchObject({ subject: 'Subject', fileCount: 1 });
    expect(found!.message.length).toBe(1 << 16);
    expect(found!.files[0]!.length).toBe('M '.length + 4096);
  }, 60_000);
});

describe('authors', () => {
  test.each([
    ['dependabot[bot]', '49699333+dependabot[bot]@users.noreply.github.com'],
    ['Renovate Bot', 'bot@renovateapp.com'],
    ['github-actions', 'actions@github.com'],
    ['GitHub Actions', 'ci@example.org'],
    ['GitHub Action', 'action@github.com'],
    ['BrewTestBot', 'homebrew-test-bot@lists.sfconservancy.org'],
    ['k8s-ci-robot', 'k8s-ci-robot@users.noreply.github.com'],
    ['GitHub', 'noreply@github.com'],
    ['Jenkins', 'jenkins@example.org'],
    ['Jenkins CI', 'nobody@nowhere'],
    ['Copilot', '198982749+Copilot@users.noreply.github.com'],
    ['copilot-swe-agent[bot]', '198982749+Copilot@users.noreply.github.com'],
    ['Hosted Weblate', 'hosted@weblate.org'],
    ['Weblate (bot)', 'hosted@weblate.org'],
    ['Travis CI', 'builds@travis-ci.org'],
    ['CircleCI', 'circleci@example.org'],
    ['Azure Pipelines', 'azure@example.org'],
    ['TeamCity', 'teamcity@example.org'],
    ['Crowdin Bot', 'support+bot@crowdin.com'],
    ['transifex-integration[bot]', '43880903+transifex-integration[bot]@users.noreply.github.com'],
    ['semantic-release-bot', 'semantic-release-bot@martynus.net'],
    ['Release Please', 'release-please@example.org'],
    ['snyk-bot', 'snyk-bot@snyk.io'],
    ['ImgBot', 'ImgBotHelp@gmail.com'],
    ['Release Bot', 'release@example.org'],
    ['pre-commit-ci[bot]', '66853113+pre-commit-ci[bot]@users.noreply.github.com'],
    ['greenkeeper', 'support@greenkeeper.io'],
    ['Claude', 'noreply@anthropic.com'],
    ['GitLab CI', 'ci@gitlab.example.org'],
  ])('%s is a program', (name, email) => {
    expect(isBot(name, email)).toBe(true);
  });

  test.each([
    ['Jane Talbot', 'talbot@example.org'],
    ['Robota', 'abbot@example.org'],
    ['Renova Silva', 'rs@github.com'],
    ['Botond', '12+botond@users.noreply.github.com'],
    ['Anna Jenkins', 'jenkins@example.org'],
    ['Paul Snyk', 'paul@example.org'],
    ['Marie Renovate', 'marie@example.org'],
    ['Thomas Bot', 'thomas@example.org'],
    ['Jules Verne', 'jules.verne@example.org'],
    ['Travis Scott', 'travis@example.org'],
    ['Claude Monet', 'claude@example.org'],
    ['Netlify Fan', 'fan@example.org'],
    ['Hans Gerrit', 'gerrit@example.org'],
    ['Gerrit Smit', 'gerrit@example.org'],
    ['Drone Singh', 'drone@example.org'],
    ['Prow Nguyen', 'p@example.org'],
    ['Maria Crowdin', 'maria@example.org'],
    ['Abbott', 'abbott@example.org'],
    ['Eliot', 'eliot@example.org'],
    ['Turbot Jones', 'turbot@example.org'],
    ['Ann Lee', 'ann@users.noreply.github.com'],
    ['Bob Copilot', 'bob@example.org'],
    ['Li Wei', 'liwei@example.org'],
    ['Иван Петров', 'ivan@example.org'],
    ['山田太郎', 'yamada@example.org'],
    ['Vercel Dupont', 'vd@example.org'],
    ['Lucie', 'lucie@example.org'],
    ['Actionson', 'actionson@example.org'],
    ['Nancy Homu', 'nancy@example.org'],
  ])('%s is a person', (name, email) => {
    expect(isBot(name, email)).toBe(false);
  });

  test('a pseudonym goes by the address alone, and no two people share one', () => {
    const name = pseudonyms();
    expect(name(' Ann@Example.org')).toBe(name('ann@example.org'));
    const many = Array.from({ length: 150_000 }, (_, i) => name(`${i}@example.org`));
    expect(new Set(many).size).toBe(many.length);
    expect(many.some(other => other.length === 17)).toBe(true);
  });
});
