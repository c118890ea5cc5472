/**
 * Files that a comparison wrote, damaged in every way a hand or a disk does it: the same command says in a sentence which
 * one it is, or comes to the same results.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS, faultsWorkspace } from '../faults/commands.ts';
import { DAMAGES, expectSentence, inProcess } from '../support/damage.ts';
import { contentOf, type Workspace } from '../support/workspace.ts';

interface Result {
  /** What results.json says, without what it cost. */
  readonly table: unknown;
  readonly files: Readonly<Record<string, string>>;
}

let place: Workspace;
/** What a comparison gives where nothing is damaged. */
let sound: Result;

beforeAll(async () => {
  place = await faultsWorkspace();
  const done = await inProcess(compareCommand(place.path('run')));
  expect(done.code, done.stderr).toBe(0);
  sound = await resultOf(place.path('run'));
}, 60_000);
afterAll(() => place.remove());

/** The comparison of the kill test; of a flag that is given twice the last counts. */
function compareCommand(out: string): string[] {
  const { model, data, cache } = place;
  return [...COMMANDS.compare.args, '--model', model, '--data', data, '--cache', cache, '--out', out];
}

/** Files that say where the run is, what it cost, or which of its steps were repeated. */
const VARIES = /(^|\/)(run\.json|metrics\.jsonl|costs\.jsonl|results\.json|report\.html|README\.md)$/;

async function resultOf(run: string): Promise<Result> {
  const { results, search, users } = JSON.parse(await readFile(join(run, 'results.json'), 'utf8'));
  const files = Object.entries(await contentOf(run)).filter(([file]) => !VARIES.test(file));
  return { table: { results, search, users }, files: Object.fromEntries(files) };
}

/** The files, and a field of each with a value of another type. */
const FILES: readonly (readonly [file: string, field: RegExp, wrong: string])[] = [
  ['run.json', /"origin": "flag"/, '"origin": 5'],
  ['costs.jsonl', /"seconds":/, '"seconds":"many","was":'],
  ['results.json', /"users": \[/, '"users": [5, '],
  ['results.md', /\|/, '/'],
  ['report.html', /<html/, '<text'],
  ['profiles/1/grace.json', /^"/, '5, "'],
  ['users/targets.json', /"targets": \[/, '"targets": [5, '],
  ['users/adaptation.json', /"targets": \[/, '"targets": [5, '],
  ['users/development.json', /"others": \[/, '"others": [5, '],
  ['targets/overlap.json', /"alpha": [\d.e-]+/, '"alpha": "some"'],
  ['targets/answers/cope/grace.json', /"logProb": -/, '"logProb": "much", "was": -'],
  ['targets/samples/grace.json', /\[\[/, '[[5,'],
  ['targets/rejected/cope.jsonl', /"rejected":/, '"rejected":5,"was":'],
  ['targets/adapters/oppu-0.001/run.json', /"origin": "/, '"origin": 5, "was": "'],
  ['targets/adapters/cbpo-0.001/overlap.json', /"alpha": [\d.e-]+/, '"alpha": "some"'],
  ['targets/adapters/cbpo-0.001/metrics.jsonl', /"step":1/, '"step":"one"'],
  ['targets/adapters/cbpo-0.001/users.json', /"targets": \[/, '"targets": [5, '],
  ['targets/adapters/cbpo-0.001/lineage/grace.json', /"own": "/, '"own": 5, "was": "'],
  ['targets/adapters/cbpo-0.001/adapters/grace/adapter_config.json', /"r": 2/, '"r": "two"'],
  ['targets/adapters/cbpo-0.001/adapters/grace/adapter_model.safetensors', /F32/, 'F33'],
  ['targets/adapters/cbpo-0.001/adapters/grace/idiolect.json', /"template": "[^"]*"/, '"template": 5'],
  ['task/run.json', /"origin": "/, '"origin": 5, "was": "'],
  ['task/metrics.jsonl', /"step":1/, '"step":"one"'],
  ['task/users.json', /"targets": \[/, '"targets": [5, '],
  ['task/adapter/adapter_config.json', /"r": 16/, '"r": "two"'],
  ['task/adapter/adapter_model.safetensors', /F32/, 'F33'],
  ['task/adapter/idiolect.json', /"template": "[^"]*"/, '"template": 5'],
  ['task/model/config.json', /"hidden_size": \d+/, '"hidden_size": "some"'],
  ['task/model/model.safetensors', /F32/, 'F33'],
  ['task/model/tokenizer.json', /"model": ?\{/, '"model": 5, "was": {'],
  ['task/model/tokenizer_config.json', /\{/, '{"chat_template": 5,'],
];

let cases = 0;

async function tried(file: string, damage: (path: string) => Promise<void>): Promise<void> {
  const run = place.path(`case-${cases++}`);
  await cp(place.path('run'), run, { recursive: true });
  // Texts are written again, for which profiles, samples, adapters and models are read.
  for (const made of ['targets/answers', 'targets/rejected']) {
    if (!file.startsWith(made)) await rm(join(run, made), { recursive: true });
  }
  await damage(join(run, file));
  const before = (await contentOf(run))[file];
  const done = await inProcess(compareCommand(run));
  if (done.code === 0) {
    const { table, files } = await resultOf(run);
    expect(table).toEqual(sound.table);
    // What no one needed to read is as it was.
    const { [file]: now, ...others } = files;
    const { [file]: then, ...soundOthers } = sound.files;
    expect(others).toEqual(soundOthers);
    expect([before, then]).toContain(now);
  } else expectSentence(done.stderr, join(run, file));
  await rm(run, { recursive: true, force: true });
}

// The readers are those of damaged-files.test.ts, which tries every damage.
const damages = DAMAGES.filter(([name]) => /cut in half|another type/.test(name));

describe.each(damages)('a file that %s', (_, damage) => {
  it.each(FILES)('does no harm to a comparison that is run again: %s', async (file, field, wrong) => {
    await tried(file, async path => writeFile(path, damage(await readFile(path), field, wrong)));
  });
});

describe('a folder in the place of a file', () => {
  it.each(FILES)('does no harm to a comparison that is run again: %s', async file => {
    await tried(file, async path => {
      await rm(path);
      await mkdir(path);
    });
  });
});

it('tries every kind of file that a comparison leaves', async () => {
  const names = Object.keys(await contentOf(place.path('run'))).filter(name => !name.endsWith('README.md'));
  const kindOf = (name: string) => name.replace(/(rag|pag|cbpo|cope|oppu)(-[\d.]+)?/, 'METHOD');
  const tried = new Set(FILES.map(([file]) => kindOf(file)));
  expect(names.filter(name => !tried.has(kindOf(name)))).toEqual([]);
});
