/** Repositories made to run a program on whoever imports them: none may run, and what can be read is read. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { collect } from './collect.ts';
import { importGit } from './git.ts';

const hasGit = process.platform !== 'win32' && spawnSync('git', ['--version']).status === 0;
if (!hasGit) console.log('skipped: git is not installed, or programs cannot be shell scripts');

let folder = '';
let program = '';
let marks = '';
const ran = () => readdirSync(marks);

function git(cwd: string, args: string[], input = '') {
  const person = {
    GIT_AUTHOR_NAME: 'Ann',
    GIT_AUTHOR_EMAIL: 'a@x.org',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'a@x.org',
  };
  const env = { ...process.env, ...person, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  return spawnSync('git', ['-C', cwd, ...args], { env, encoding: 'utf8', input });
}

/** Two commits; where `lacking`, one blob is missing, and git is told that a remote has it. */
function repository(settings: Record<string, string>, lacking: boolean): string {
  const path = mkdtempSync(join(folder, 'repository-'));
  git(path, ['init', '-q', '-b', 'main']);
  for (const [index, text] of ['one\n', 'two\n'].entries()) {
    writeFileSync(join(path, 'a.txt'), text);
    writeFileSync(join(path, '.gitattributes'), '*.txt diff=mine filter=mine\n');
    git(path, ['add', '-A']);
    git(path, ['commit', '-q', '-m', `Commit ${index}`]);
  }
  // Signed, so that there is something to verify.
  const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n\n';
  const signed = git(path, ['cat-file', 'commit', 'HEAD']).stdout.replace('\n\n', `\n${signature}`);
  const hash = git(path, ['hash-object', '-t', 'commit', '-w', '--stdin'], signed).stdout.trim();
  git(path, ['update-ref', 'refs/heads/main', hash]);
  const blob = git(path, ['rev-parse', 'HEAD:a.txt']).stdout.trim();
  if (lacking) {
    rmSync(join(path, '.git/objects', blob.slice(0, 2), blob.slice(2)), { force: true });
    git(path, ['config', 'core.repositoryFormatVersion', '1']);
    git(path, ['config', 'extensions.partialClone', 'origin']);
    git(path, ['config', 'remote.origin.promisor', 'true']);
  }
  for (const setting of Object.entries(settings)) {
    git(path, ['config', ...setting.map(text => text.replaceAll('PROGRAM', program))]);
  }
  return path;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'idiolect-hostile-'));
  marks = join(folder, 'marks');
  mkdirSync(marks);
  program = join(folder, 'program');
  writeFileSync(program, `#!/bin/sh\n: > "${marks}/ran"\nexit 1\n`);
  chmodSync(program, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasGit)('a hostile repository runs nothing', () => {
  const fetching: [string, Record<string, string>][] = [
    ['core.sshCommand', { 'remote.origin.url': 'ssh://host/x', 'core.sshCommand': 'PROGRAM' }],
    ['remote.uploadpack', { 'remote.origin.url': '/', 'remote.origin.uploadpack': 'PROGRAM' }],
    ['core.gitProxy', { 'remote.origin.url': 'git://host/x', 'core.gitProxy': 'PROGRAM' }],
    ['a remote helper', { 'remote.origin.url': 'ext::PROGRAM x', 'protocol.ext.allow': 'always' }],
    [
      'protocol.allow',
      { 'remote.origin.url': 'ssh://host/x', 'core.sshCommand': 'PROGRAM', 'protocol.allow': 'always' },
    ],
    [
      'url.insteadOf',
      { 'remote.origin.url': 'x:y', 'url.ext::PROGRAM .insteadOf': 'x:', 'protocol.ext.allow': 'always' },
    ],
    ['remote.vcs', { 'remote.origin.url': 'PROGRAM', 'remote.origin.vcs': 'ext', 'protocol.ext.allow': 'always' }],
  ];
  test.each(fetching)('a missing file and %s', async (_, settings) => {
    const path = repository(settings, true);
    // The trap works: git on its own runs the program.
    git(path, ['log', '-p']);
    expect(ran()).toEqual(['ran']);
    rmSync(join(marks, 'ran'));
    const error = await collect(importGit(path)).catch(thrown => thrown);
    expect(error).toMatchObject({ code: 'DATA' });
    expect(error.message).toBe(
      `${path} lacks some of its files' contents, as a partial clone does. Nothing is fetched during an import: clone it without --filter first.`,
    );
    expect(ran()).toEqual([]);
    // A git that does not know GIT_NO_LAZY_FETCH is held back by the protocols alone.
    const env = { ...process.env, GIT_ALLOW_PROTOCOL: 'none' };
    expect(spawnSync('git', ['-C', path, 'log', '-p'], { env }).status).not.toBe(0);
    expect(ran()).toEqual([]);
  });

  test.each<[string, Record<string, string>, string[]?]>([
    ['core.fsmonitor', { 'core.fsmonitor': 'PROGRAM' }, ['status']],
    ['textconv', { 'diff.mine.textconv': 'PROGRAM' }, ['log', '-p']],
    ['diff.external', { 'diff.external': 'PROGRAM' }, ['log', '-p', '--ext-diff']],
    ['a diff command', { 'diff.mine.command': 'PROGRAM' }, ['log', '-p', '--ext-diff']],
    ['a filter', { 'filter.mine.smudge': 'PROGRAM', 'filter.mine.clean': 'PROGRAM', 'filter.mine.process': 'PROGRAM' }],
    ['gpg.program', { 'gpg.program': 'PROGRAM', 'log.showSignature': 'true' }, ['log']],
    ['core.pager', { 'core.pager': 'PROGRAM', 'pager.log': 'PROGRAM' }],
    ['core.editor', { 'core.editor': 'PROGRAM', 'sequence.editor': 'PROGRAM' }],
    ['core.askPass', { 'core.askPass': 'PROGRAM', 'credential.helper': 'PROGRAM' }],
    ['aliases', { 'alias.log': '!PROGRAM', 'alias.rev-parse': '!PROGRAM' }],
    ['core.alternateRefsCommand', { 'core.alternateRefsCommand': 'PROGRAM' }],
    ['trace2', { 'trace2.eventTarget': '/dev/null', 'trace2.normalTarget': '/dev/null' }],
    ['another mailmap', { 'mailmap.file': 'PROGRAM' }],
  ])('%s', async (_, settings, trap) => {
    const path = repository(settings, false);
    if (trap) {
      git(path, trap);
      expect(ran()).toEqual(['ran']);
      rmSync(join(marks, 'ran'));
    }
    expect((await collect(importGit(path))).map(({ output }) => output)).toEqual(['Commit 0', 'Commit 1']);
    expect(ran()).toEqual([]);
  });

  test('settings that are included, and hooks', async () => {
    const path = repository(
      { 'core.hooksPath': join(folder, 'hooks'), 'include.path': join(folder, 'included') },
      false,
    );
    mkdirSync(join(folder, 'hooks'), { recursive: true });
    for (const hooks of [join(folder, 'hooks'), join(path, '.git/hooks')]) {
      mkdirSync(hooks, { recursive: true });
      for (const hook of ['post-index-change', 'reference-transaction', 'post-checkout', 'fsmonitor-watchman']) {
        writeFileSync(join(hooks, hook), `#!/bin/sh\nexec ${program}\n`);
        chmodSync(join(hooks, hook), 0o755);
      }
    }
    writeFileSync(join(folder, 'included'), `[core]\n\tfsmonitor = ${program}\n[diff]\n\texternal = ${program}\n`);
    expect(await collect(importGit(path))).toHaveLength(2);
    expect(ran()).toEqual([]);
  });

  test('variables of the environment', async () => {
    const path = repository({}, false);
    for (const name of ['GIT_EXTERNAL_DIFF', 'GIT_SSH_COMMAND', 'GIT_PAGER', 'GIT_PROXY_COMMAND', 'GIT_ASKPASS']) {
      vi.stubEnv(name, program);
    }
    vi.stubEnv('GIT_CONFIG_COUNT', '1');
    vi.stubEnv('GIT_CONFIG_KEY_0', 'core.fsmonitor');
    vi.stubEnv('GIT_CONFIG_VALUE_0', program);
    try {
      expect(await collect(importGit(path))).toHaveLength(2);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(ran()).toEqual([]);
  });

  test('a mailmap that is a pipe neither hangs nor is read', async () => {
    const path = repository({}, false);
    spawnSync('mkfifo', [join(path, '.mailmap')]);
    await expect(collect(importGit(path))).rejects.toThrow('.mailmap must be a regular file of at most 16 MiB.');
    rmSync(join(path, '.mailmap'));
    spawnSync('mkfifo', [join(path, 'pipe')]);
    appendFileSync(join(path, '.git/config'), `[mailmap]\n\tfile = ${join(path, 'pipe')}\n`);
    expect(await collect(importGit(path))).toHaveLength(2);
  });

  test.skipIf(process.getuid?.() !== 0)("another user's repository needs the user's own safe.directory", async () => {
    const path = repository({ 'safe.directory': '*' }, false);
    for (const name of ['', '.git']) chownSync(join(path, name), 12345, 12345);
    const home = mkdtempSync(join(folder, 'home-'));
    vi.stubEnv('HOME', home);
    vi.stubEnv('XDG_CONFIG_HOME', home);
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(home, '.gitconfig'));
    vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
    try {
      await expect(collect(importGit(path))).rejects.toThrow('belongs to another user, so git does not read it');
      writeFileSync(join(home, '.gitconfig'), `[safe]\n\tdirectory = ${path}\n[core]\n\tfsmonitor = ${program}\n`);
      expect(await collect(importGit(path))).toHaveLength(2);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(ran()).toEqual([]);
  });
});
