/** What is in a folder that no run began stays as it is, whatever a run would call its own files. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

const more: Readonly<Record<string, readonly string[]>> = {
  train: ['--alpha', '0.2'],
  adapt: ['--target-users', '1'],
  compare: ['--target-users', '1', '--development-users', '1'],
};

it.each([
  ['train', 'metrics.jsonl'],
  ['train', 'adapters/notes.txt'],
  ['adapt', 'model/weights.bin'],
  ['adapt', 'users.json'],
  ['compare', 'results.md'],
  ['compare', '.draft.partial'],
])('%s --out leaves a folder with %s alone', async (verb, name) => {
  const out = place.path(`${verb}-${name.replaceAll(/\W/g, '-')}`);
  const file = join(out, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, 'mine\n');
  const { model, data, cache } = place;
  const args = [verb, '--model', model, '--data', data, '--cache', cache, '--out', out, ...more[verb]!];
  const { code, stderr } = await idiolect(args);
  expect(stderr).toContain(`${out} is not empty, and was not made by a run: it holds `);
  expect(code).toBe(1);
  expect(await readFile(file, 'utf8')).toBe('mine\n');
});

it.each([
  ['train', '--out', 'metrics.jsonl', ['--alpha', '0.2']],
  ['adapt', '--out', 'state', ['--target-users', '1']],
  ['compare', '--out', 'answers', ['--target-users', '1', '--development-users', '1']],
  ['score', '--run', 'scores', []],
  ['generate', '--run', 'adapters', ['--user', 'ada', '--prompt', 'x']],
  ['tokens', '--against', 'adapters', ['--run', 'other', '--out', 'shift']],
])('%s %s refuses a run with a link %s that leads out of it', async (verb, flag, name, flags) => {
  const run = place.path(`linked-${verb}`);
  const elsewhere = place.path(`elsewhere-${verb}`);
  await mkdir(run);
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'file'), 'mine\n');
  await writeFile(
    join(run, 'run.json'),
    JSON.stringify({ version: '1', sources: { model: '', data: '' }, settings: {} }),
  );
  await symlink(elsewhere, join(run, name));
  const { model, data, cache } = place;
  const sources = flag === '--out' ? ['--model', model, '--data', data, '--cache', cache] : [];
  const { code, stderr } = await idiolect([verb, flag, run, ...sources, ...flags]);
  expect(stderr).toContain(`${join(run, name)} is a link that leads out of ${run}.`);
  expect(code).toBe(1);
  expect(await readFile(join(elsewhere, 'file'), 'utf8')).toBe('mine\n');
});

it('forget leaves a folder alone that holds no run', async () => {
  const out = place.path('forget-no-run');
  const file = join(out, 'adapters', 'ada', 'notes.txt');
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, 'mine\n');
  const { code, stderr } = await idiolect(['forget', 'ada', '--out', out]);
  expect(stderr).toContain(`${out} is not a run: there is no run.json.`);
  expect(code).toBe(1);
  expect(await readFile(file, 'utf8')).toBe('mine\n');
});
