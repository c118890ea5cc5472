/** `idiolect doctor`: what is fine, and one sentence for each way in which a folder or a file can be broken. */
import { chmod, cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkAll } from '../../src/jobs/check/checks.ts';
import { checkMachine, thisMachine } from '../../src/jobs/check/machine.ts';
import { trainSchema } from '../../src/runs/settings.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

/** A copy of the good backbone with one thing broken. */
async function brokenModel(name: string, breakIt: (folder: string) => Promise<void>): Promise<string> {
  const folder = place.path(name);
  await cp(place.model, folder, { recursive: true });
  await breakIt(folder);
  return folder;
}

async function dataFile(name: string, content: string): Promise<string> {
  await writeFile(place.path(name), content);
  return place.path(name);
}

const record = (user: string, output: string) => `${JSON.stringify({ user, input: 'x', output })}\n`;

/** Three records of a user, of which the last alone, held out, is the user's own. */
const disliked = (user: string) =>
  [false, false, true].map((label, i) => `${JSON.stringify({ user, input: `${i}`, output: user, label })}\n`);

/** What the checks behind the verb find wrong. */
async function wrongOf(given: { model?: string; data?: string }): Promise<string[]> {
  const defaults = trainSchema.omit({ model: true, data: true }).parse({ out: '' });
  const { checks } = await checkAll({ ...defaults, ...given }, thisMachine());
  return checks.flatMap(({ state, found }) => (state === 'wrong' ? [found] : []));
}

describe('idiolect doctor', () => {
  it('finds nothing wrong with a good model and good data', async () => {
    const { code, stdout, stderr } = await idiolect(['doctor', '--model', place.model, '--data', place.data]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^fine +Node +\d+\.\d+/m);
    expect(stdout).toMatch(/^fine +memory +[\d.]+ .B of [\d.]+ .B are free/m);
    expect(stdout).toMatch(/^fine +device cpu +onnxruntime-node [\d.]+ computes there/m);
    expect(stdout).toMatch(/^fine +model +llama, 2 layers, 91 thousand parameters in F32, .* up to 256 tokens/m);
    expect(stdout).toMatch(/^fine +tokenizer /m);
    expect(stdout).toMatch(/^fine +data +36 records, one a line \(layout: records\)/m);
    expect(stdout).toMatch(/^fine +users +3 of 3 have enough records; half of them have 10 or more to train on/m);
    expect(stdout).toMatch(/^fine +times +2026-01-01 to 2026-01-12, in time order/m);
    expect(stdout).toMatch(/^fine +training +takes about \d+ MB of memory/m);
  });

  it('says without data what ordinary texts take', async () => {
    const { stdout } = await idiolect(['doctor', '--model', place.model]);
    expect(stdout).toMatch(/^fine +training +takes about \d+ MB of memory with texts of 256 tokens; give --data for/m);
  });

  it('prints one object with --json, and says in it what is worth knowing of data', async () => {
    const untimed = ['a', 'b']
      .flatMap(user => ['p', 'q', 'q', 'r'.repeat(400)].map(text => record(user, text)))
      .join('');
    const file = await dataFile('untimed.jsonl', `${untimed}${record('c', 'only one')}`);
    const { code, stdout } = await idiolect(['doctor', '--model', place.model, '--data', file, '--json']);
    expect(code).toBe(0);
    const { ok, checks, data } = JSON.parse(stdout);
    expect(ok).toBe(true);
    // The longest texts are held out, and lengths are those of training.
    expect(data).toMatchObject({
      layout: 'records',
      records: 9,
      users: 3,
      trainable: 2,
      withoutTime: 9,
      duplicates: 2,
    });
    expect(data.lengths).toMatchObject({ longest: 5, promptsCut: 0 });
    const found = Object.fromEntries(checks.map(({ topic, ...check }: { topic: string }) => [topic, check]));
    expect(found.times).toEqual({ state: 'note', found: expect.stringContaining('no record has a time') });
    expect(found.duplicates).toEqual({ state: 'note', found: expect.stringContaining('2 records repeat') });
    expect(found.users).toEqual({ state: 'note', found: expect.stringContaining('"c" has too few records') });
  });

  it('tells how many texts would be cut', async () => {
    const long = ['a', 'b'].flatMap(user => ['r'.repeat(400), 's', 't'].map(text => record(user, text))).join('');
    const file = await dataFile('long.jsonl', long);
    const { code, stdout } = await idiolect(['doctor', '--model', place.model, '--data', file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note +lengths .* 50% of texts their end\. A larger --max-length/m);
  });

  it.each<[string, () => Promise<{ model?: string; data?: string }>, string | RegExp]>([
    ['no model folder', async () => ({ model: place.path('nowhere') }), 'config.json does not exist. `model` needs'],
    [
      'an empty folder',
      async () => {
        await mkdir(place.path('empty'));
        return { model: place.path('empty') };
      },
      'config.json does not exist. `model` needs',
    ],
    [
      'half a config.json',
      async () => ({ model: await brokenModel('half', folder => truncate(`${folder}/config.json`, 60)) }),
      /config\.json is not valid JSON \(.*\)\. `model` needs/,
    ],
    [
      'a folder where the weights should be',
      async () => ({
        model: await brokenModel('folder', async folder => {
          await rm(`${folder}/model.safetensors`);
          await mkdir(`${folder}/model.safetensors`);
        }),
      }),
      'model.safetensors is a folder; a file was expected.',
    ],
    [
      'truncated weights',
      async () => ({ model: await brokenModel('cut', folder => truncate(`${folder}/model.safetensors`, 9_000)) }),
      'The file is truncated or damaged; download or write it again.',
    ],
    [
      'a tokenizer that is null',
      async () => ({ model: await brokenModel('null', folder => writeFile(`${folder}/tokenizer.json`, 'null')) }),
      'tokenizer.json cannot be used as a tokenizer',
    ],
    [
      'the tokenizer of a larger model',
      async () => ({
        model: await brokenModel('larger', async folder => {
          const text = await readFile(`${folder}/tokenizer.json`, 'utf8');
          await writeFile(`${folder}/tokenizer.json`, text.replace('"id": 257', '"id": 300'));
        }),
      }),
      'it gives the id 300, but the model has 258. Use tokenizer.json and weights of the same model.',
    ],
    ['no data file', async () => ({ data: place.path('nowhere.jsonl') }), 'nowhere.jsonl does not exist.'],
    ['an empty data file', async () => ({ data: await dataFile('empty.jsonl', '') }), 'has no records: it is empty.'],
    ['a folder of data', async () => ({ data: place.folder }), 'is a folder; a file was expected.'],
    [
      'half a line',
      async () => ({ data: await dataFile('half.jsonl', (await readFile(place.data, 'utf8')).slice(0, -30)) }),
      /1 line is not a record, such as .*half\.jsonl:36: not JSON .* Correct them, or give `skipBad`\./,
    ],
    [
      'one user alone',
      async () => ({ data: await dataFile('one.jsonl', record('ada', 'a') + record('ada', 'b')) }),
      '1 of 1 have enough records. Users are compared with each other',
    ],
    [
      'users whose training records are none they stand by',
      async () => ({ data: await dataFile('disliked.jsonl', ['ada', 'grace'].flatMap(disliked).join('')) }),
      /0 of 2 have enough records\. .* Every training record of "ada" has label false or is held out for another user too/,
    ],
    [
      'a file of lines that are all bad',
      async () => ({ data: await dataFile('bad.jsonl', '{"user": "ada", "output": "hi"}\n'.repeat(2)) }),
      /all of its 2 lines were left out as bad\. The first bad line: .*bad\.jsonl:1: "input" is missing\./,
    ],
  ])('%s is wrong, in one sentence', async (_, make, sentence) => {
    const wrong = await wrongOf(await make());
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(sentence);
    expect(wrong[0]).not.toMatch(/\n\s+at /);
  });

  it('ends with exit code 1 and no stack when anything is wrong', async () => {
    const model = place.path('folder');
    const { code, stdout, stderr } = await idiolect(['doctor', '--model', model, '--data', place.path('half.jsonl')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fine +Node/m);
    expect(stdout).toMatch(/^wrong +model +.* is a folder; a file was expected\./m);
    expect(stdout).toMatch(/^wrong +lines +1 line is not a record/m);
    expect(stderr).toBe('error: 2 things are wrong (model, lines); the lines above say what to do.\n');
    const json = await idiolect(['doctor', '--model', place.path('nowhere'), '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout).ok).toBe(false);
  });

  it('leaves bad lines out where that is asked for', async () => {
    const file = place.path('half.jsonl');
    const { code, stdout } = await idiolect(['doctor', '--data', file, '--skip-bad']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^note +lines +1 line is not a record, .* They are left out\./m);
  });

  it('finds the starter from any folder', async () => {
    const here = process.cwd();
    process.chdir('/');
    try {
      expect(await wrongOf({ model: 'starter' })).toEqual([]);
    } finally {
      process.chdir(here);
    }
  });

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', async () => {
    const file = await dataFile('secret.jsonl', record('ada', 'a'));
    await chmod(file, 0o000);
    expect((await wrongOf({ data: file }))[0]).toContain('may not be read by this user.');
  });
});

describe('a machine', () => {
  it('is refused with an old Node or hardly any memory', async () => {
    const machine = { node: '22.17.1', totalBytes: 2e9, availableBytes: 3e8, threads: 1, processor: 'p' };
    expect(await checkMachine(machine, [])).toEqual([
      { topic: 'Node', state: 'wrong', found: '22.17.1 is older than 22.18. Install a newer Node.' },
      expect.objectContaining({ topic: 'memory', state: 'wrong', found: expect.stringContaining('300 MB of 2.0 GB') }),
      { topic: 'processor', state: 'fine', found: '1 threads, p' },
    ]);
  });
});
