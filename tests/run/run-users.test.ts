/** Users of a run are found by the names they have in the histories, whatever their folders are called. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTinyBackbone } from '../../examples/tiny-backbone.ts';
import { scoreRun, scoreSchema } from '../../src/index.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const NAMES = ['Ada Lovelace', 'Jürgen', 'Doe, Jane', 'CON', '.dot', 'x'.repeat(120), '100%'];

let place: Workspace;
let run: string;
beforeAll(async () => {
  place = await workspace();
  run = place.path('run');
  const lines = (await readFile(place.data, 'utf8')).split('\n').filter(line => line.includes('"ada"'));
  const renamed = NAMES.flatMap(name => lines.map(line => line.replace('"ada"', JSON.stringify(name))));
  await writeFile(place.data, `${renamed.join('\n')}\n`);
  const trained = await idiolect([
    ...['train', '--model', place.model, '--data', place.data, '--out', run, '--cache', place.cache],
    ...['--method', 'sft', '--epochs', '1', '--query-share', '0.2', '--skip-score'],
  ]);
  expect(trained).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => place.remove());

const generate = (...flags: string[]) =>
  idiolect(['generate', '--prompt', 'fix login', '--max-tokens', '4', '--json', ...flags]);

describe('generate --run --user', () => {
  it.each(NAMES)('finds the adapter of %j, and the model of the run', async name => {
    const written = await generate('--run', run, '--user', name);
    expect(written).toMatchObject({ code: 0 });
    expect(JSON.parse(written.stdout)).toHaveProperty('text');
  });

  it('is the same as naming the folders', async () => {
    const folder = join(run, 'adapters', 'Ada%20Lovelace');
    const named = await generate('--model', place.model, '--adapter', folder);
    expect(named).toMatchObject({ code: 0 });
    expect((await generate('--run', run, '--user', 'Ada Lovelace')).stdout).toBe(named.stdout);
  });

  it('finds a name that a terminal wrote in another Unicode form', async () => {
    expect(await generate('--run', run, '--user', 'Jürgen'.normalize('NFD'))).toMatchObject({ code: 0 });
  });

  it('names the nearest user, and all there are, for one without an adapter', async () => {
    const { code, stderr } = await generate('--run', run, '--user', 'Ada Lovlace');
    expect(code).toBe(1);
    expect(stderr).toContain(
      `${run} has no adapter for "Ada Lovlace". Did you mean "Ada Lovelace"? It has adapters for `,
    );
    for (const name of NAMES) expect(stderr).toContain(name.slice(0, 80));
  });

  it('refuses another base than that of the run', async () => {
    const model = place.path('other');
    await writeTinyBackbone(model);
    const config = JSON.parse(await readFile(join(model, 'config.json'), 'utf8'));
    await writeFile(join(model, 'config.json'), JSON.stringify({ ...config, rms_norm_eps: 1e-3 }));
    const { code, stderr } = await generate('--run', run, '--user', 'CON', '--model', model);
    expect(code).toBe(1);
    expect(stderr).toContain(`${model} is not the model the run was made with. Name the right one with --model.`);
  });

  it('takes the form of prompts from the run where the adapter does not keep it', async () => {
    const old = place.path('old');
    await cp(run, old, { recursive: true });
    await rm(join(old, 'adapters', 'CON', 'idiolect.json'), { force: true });
    const record = JSON.parse(await readFile(join(old, 'run.json'), 'utf8'));
    record.settings.template.value = 'Another {input}';
    await writeFile(join(old, 'run.json'), JSON.stringify(record));
    const { stderr } = await generate('--run', old, '--user', 'Jürgen', '--template', 'Another {input}');
    expect(stderr).toContain('trained with --template "plain"');
  });

  it.each([
    [['--user', 'CON'], '--user needs --run'],
    [[], '--model is missing. Give it, or --run and --user.'],
    [['--run', 'r'], '--run needs --user'],
    [['--run', 'r', '--user', 'CON', '--adapter', 'a'], 'Give either --adapter, or --run and --user.'],
  ])('%j is wrong usage', async (flags, sentence) => {
    const { code, stderr } = await generate(...flags);
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
  });
});

describe('score --users', () => {
  const score = (users: string) => scoreRun(scoreSchema.parse({ run, users, cache: place.cache }));

  it('takes the names of the histories', async () => {
    const { users } = await score('"Doe, Jane",Jürgen,CON');
    expect(users.map(({ user }) => user)).toEqual(['Doe, Jane', 'Jürgen', 'CON']);
  });

  it('names the nearest user for one without an adapter', async () => {
    await expect(score('jurgen')).rejects.toThrow(/has no adapter for "jurgen"\. Did you mean "Jürgen"\? It has/);
  });
});
