/**
 * Files that idiolect wrote, damaged in every way a hand or a disk does it: the command that reads them says in a
 * sentence which one it is, or does what it would have done.
 */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAMAGES, type Done, expectSentence, inProcess, withNull } from '../support/damage.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
/** Of each command: what it gives where nothing is damaged. */
const sound: Record<string, unknown> = {};

beforeAll(async () => {
  place = await workspace();
  const trained = await inProcess(trainCommand(place.path('run')));
  expect(trained.code, trained.stderr).toBe(0);
  expect(await inProcess(COMMANDS.score!.line(place.path('run')))).toMatchObject({ code: 0 });
  for (const [name, command] of Object.entries(COMMANDS)) {
    const run = await copyOf(`sound-${name}`);
    await command.prepare?.(run);
    const done = await inProcess(command.line(run));
    expect(done.code, done.stderr).toBe(0);
    sound[name] = await command.result(run, done);
  }
}, 60_000);
afterAll(() => place.remove());

async function copyOf(name: string): Promise<string> {
  const run = place.path(name);
  await cp(place.path('run'), run, { recursive: true });
  return run;
}

const trainCommand = (run: string) => [
  ...['train', '--model', place.model, '--data', place.data, '--out', run, '--cache', place.cache],
  ...['--users', 'grace,linus', '--target-users', '2', '--epochs', '1', '--embedder', 'ngrams', '--rank', '2'],
  ...['--kl-every', '0', '--threads', '1', '--skip-score'],
];

interface Command {
  /** What is changed in a copy of the run before. */
  prepare?(run: string): Promise<void>;
  line(run: string): string[];
  result(run: string, done: Done): Promise<unknown>;
}

const COMMANDS: Record<string, Command> = {
  score: {
    line: run => ['score', '--run', run, '--cache', place.cache, '--threads', '1', '--json'],
    result: async (_, { stdout }) => JSON.parse(stdout),
  },
  // Grace is trained again.
  train: {
    prepare: run => rm(join(run, 'adapters', 'grace'), { recursive: true, force: true }),
    line: trainCommand,
    result: run => contentOf(join(run, 'adapters')),
  },
  generate: {
    line: run => ['generate', '--run', run, '--user', 'linus', '--prompt', 'fix login', '--max-tokens', '3', '--json'],
    result: async (_, { stdout }) => JSON.parse(stdout),
  },
  forget: {
    line: run => ['forget', 'grace', '--out', run, '--cache', join(run, 'cache')],
    result: run => contentOf(join(run, 'adapters')),
  },
};

/** The files each command reads, and a field of each with a value of another type. */
const FILES: readonly (readonly [command: string, file: string, field: RegExp, wrong: string])[] = [
  ['score', 'run.json', /"rank": \{\s*"value": 2/, '"rank": {"value": "two"'],
  ['score', 'users.json', /"targets": \[/, '"targets": [5, '],
  ['score', 'scores/linus.txt', /-\d+\.\d+/, 'much'],
  ['score', 'adapters/linus/adapter_config.json', /"r": 2/, '"r": "two"'],
  ['score', 'adapters/linus/adapter_model.safetensors', /F32/, 'F33'],
  ['train', 'run.json', /"origin": "flag"/, '"origin": 5'],
  ['train', 'users.json', /"targets": \[/, '"targets": [5, '],
  ['train', 'overlap.json', /"alpha": [\d.e-]+/, '"alpha": "some"'],
  ['train', 'lineage/linus.json', /"own": "/, '"own": 5, "was": "'],
  ['train', 'metrics.jsonl', /"step":1/, '"step":"one"'],
  ['generate', 'run.json', /"rank": \{\s*"value": 2/, '"rank": {"value": "two"'],
  ['generate', 'metrics.jsonl', /"step":1/, '"step":"one"'],
  ['generate', 'adapters/linus/idiolect.json', /"template": "[^"]*"/, '"template": 5'],
  ['generate', 'adapters/linus/adapter_config.json', /"r": 2/, '"r": "two"'],
  ['generate', 'adapters/linus/adapter_model.safetensors', /F32/, 'F33'],
  ['forget', 'run.json', /"origin": "flag"/, '"origin": 5'],
  ['forget', 'users.json', /"targets": \[/, '"targets": [5, '],
  ['forget', 'overlap.json', /"alpha": [\d.e-]+/, '"alpha": "some"'],
  ['forget', 'lineage/linus.json', /"own": "/, '"own": 5, "was": "'],
  ['forget', 'metrics.jsonl', /"step":1/, '"step":"one"'],
];

let cases = 0;

async function tried(name: string, file: string, damage: (path: string) => Promise<void>): Promise<void> {
  const command = COMMANDS[name]!;
  const run = await copyOf(`case-${cases++}`);
  await command.prepare?.(run);
  await damage(join(run, file));
  const done = await inProcess(command.line(run));
  if (done.code === 0) expect(await command.result(run, done)).toEqual(sound[name]);
  else expectSentence(done.stderr, join(run, file));
  await rm(run, { recursive: true, force: true });
}

describe.each(DAMAGES)('a file that %s', (_, damage) => {
  it.each(FILES)('does no harm to %s: %s', async (name, file, field, wrong) => {
    await tried(name, file, async path => writeFile(path, damage(await readFile(path), field, wrong)));
  });
});

describe('generate --run --user, which needs adapters alone,', () => {
  const others = ['metrics.jsonl', 'lineage/linus.json', 'lineage/grace.json', 'overlap.json', 'users.json'];

  it.each(others)('writes the same where %s is damaged', async file => {
    const { line, result } = COMMANDS.generate!;
    const run = await copyOf(`case-${cases++}`);
    await writeFile(join(run, file), withNull(await readFile(join(run, file))).subarray(0, -5));
    const done = await inProcess(line(run));
    expect(done.code, done.stderr).toBe(0);
    expect(await result(run, done)).toEqual(sound.generate);
  });
});

describe('a folder in the place of a file', () => {
  it.each(FILES)('does no harm to %s: %s', async (name, file) => {
    await tried(name, file, async path => {
      await rm(path);
      await mkdir(path);
    });
  });
});

it('tries every file of a run that a command reads', async () => {
  const names = (await readdir(place.path('sound-score'), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !entry.name.endsWith('.md'))
    .map(entry => join(entry.parentPath, entry.name).slice(place.path('sound-score').length + 1));
  const tried = new Set(FILES.map(([, file]) => file));
  expect(names.filter(name => !tried.has(name.replace('grace', 'linus')))).toEqual([]);
});
