/** A staged change, through `import diff`, into `generate`: the prompt is the one that training made of its commit. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collect, importGit } from '../../src/histories/index.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace(4);
});
afterAll(() => place.remove());

function git(folder: string, ...args: string[]): string {
  const settings = ['user.name=Ada', 'user.email=ada@x.org', 'commit.gpgsign=false', 'color.ui=always'];
  return execFileSync('git', ['-C', folder, ...settings.flatMap(setting => ['-c', setting]), ...args], {
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
}

it('git diff --cached -M | idiolect import diff | idiolect generate', async () => {
  const repository = place.path('repository');
  await mkdir(repository);
  git(repository, 'init', '-q');
  await writeFile(join(repository, 'parser.ts'), 'export const parse = 1;\n');
  git(repository, 'add', '-A');
  const staged = git(repository, 'diff', '--cached', '-M');
  const made = await idiolect(['import', 'diff'], { input: staged });
  expect(made).toMatchObject({ code: 0, stderr: '' });

  const ask = ['generate', '--model', place.model, '--template', 'commit-subject', '--max-tokens', '6'];
  const piped = await idiolect(ask, { input: made.stdout });
  expect(piped.code).toBe(0);
  git(repository, 'commit', '-q', '-m', 'Add the parser');
  const [record] = await collect(importGit(repository));
  expect(piped.stdout).not.toBe('');
  expect(piped.stdout).toBe((await idiolect([...ask, '--prompt', record!.input])).stdout);
  expect(piped.stdout).not.toBe((await idiolect([...ask, '--prompt', 'something else'])).stdout);
});
