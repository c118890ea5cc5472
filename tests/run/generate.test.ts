/** `generate` makes prompts as its adapter's training did, on any day, and says where it does not or where text was cut. */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const CHAT = "{{ strftime_now('%d %b %Y') }} <{{ messages[0].content }}> ";
const FORM = ['--template', 'Subject of {input}:', '--prompt-date', '2030-01-02'];
/** A clock 40 days on. */
const LATER = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    'const D=Date;globalThis.Date=class extends D{constructor(...a){super(...(a.length?a:[D.now()+34560e5]))}static now(){return D.now()+34560e5}}',
  )}`,
};

let place: Workspace;
let run: string;
let adapter: string;
beforeAll(async () => {
  place = await workspace();
  await writeFile(join(place.model, 'chat_template.jinja'), CHAT);
  run = place.path('run');
  adapter = join(run, 'adapters', 'ada');
  const trained = await idiolect([
    ...['train', '--model', place.model, '--data', place.data, '--out', run, '--cache', place.cache],
    ...[
      '--users',
      'ada',
      '--method',
      'sft',
      '--epochs',
      '1',
      '--skip-score',
      '--base-name',
      'someone/backbone',
      ...FORM,
    ],
  ]);
  expect(trained).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => place.remove());

async function generate(...flags: string[]) {
  const args = ['generate', '--model', place.model, '--prompt', 'fix login', '--temperature', '2', '--max-tokens', '6'];
  return idiolect([...args, '--json', ...flags]);
}
const notesOf = ({ stderr }: { stderr: string }) =>
  stderr.split('\n').filter(line => line !== '' && !line.includes('--max-tokens'));

describe('an adapter folder', () => {
  it('keeps the form of its prompts and its base, without paths of this machine', async () => {
    const card = JSON.parse(await readFile(join(adapter, 'idiolect.json'), 'utf8'));
    expect(card).toEqual({
      base: { name: 'someone/backbone', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      prompt: { template: 'Subject of {input}:', chat: 'auto', date: '2030-01-02' },
    });
    for (const name of ['adapter_config.json', 'README.md', 'idiolect.json']) {
      expect(await readFile(join(adapter, name), 'utf8')).not.toContain(place.folder);
    }
    const { base_model_name_or_path } = JSON.parse(await readFile(join(adapter, 'adapter_config.json'), 'utf8'));
    expect(base_model_name_or_path).toBe('someone/backbone');
  });

  it('names the folder of the base where it has no other name', async () => {
    const other = place.path('unnamed');
    const trained = await idiolect([
      ...['train', '--model', place.model, '--data', place.data, '--out', other, '--cache', place.cache],
      ...['--users', 'ada', '--method', 'sft', '--epochs', '1', '--skip-score'],
    ]);
    expect(trained).toMatchObject({ code: 0 });
    const config = await readFile(join(other, 'adapters', 'ada', 'adapter_config.json'), 'utf8');
    expect(JSON.parse(config).base_model_name_or_path).toBe('backbone');
  });
});

describe('generate', () => {
  it('makes prompts as in training where no flag says otherwise', async () => {
    const plain = await generate('--adapter', adapter);
    expect(plain).toMatchObject({ code: 0 });
    expect(notesOf(plain)).toEqual([]);
    const same = await generate('--adapter', adapter, ...FORM, '--chat', 'auto');
    expect(same.stdout).toBe(plain.stdout);
    expect(notesOf(same)).toEqual([]);
  });

  it('names each flag that differs from the training', async () => {
    const flags = ['--template', 'plain', '--chat', 'never', '--prompt-date', '2024-07-26'];
    const other = await generate('--adapter', adapter, ...flags);
    expect(notesOf(other)).toEqual([
      'note: the adapter was trained with --template "Subject of {input}:", not "plain"',
      'note: the adapter was trained with --chat "auto", not "never"',
      'note: the adapter was trained with --prompt-date "2030-01-02", not "2024-07-26"',
    ]);
    expect(other.stdout).not.toBe((await generate('--adapter', adapter)).stdout);
  });

  it('says that a text was cut, or that a prompt was', async () => {
    const cut = await generate('--adapter', adapter, '--max-tokens', '1');
    expect(cut).toMatchObject({ code: 0, stderr: 'note: the text was cut at --max-tokens 1\n' });
    const long = await generate('--adapter', adapter, '--prompt', 'fix login '.repeat(2000));
    expect(notesOf(long)).toEqual(['note: the prompt is longer than the model can read, and its beginning was cut']);
  });

  it('says that an adapter is of another model', async () => {
    const file = join(adapter, 'idiolect.json');
    const card = await readFile(file, 'utf8');
    await writeFile(file, card.replace(/"fingerprint": "./, '"fingerprint": "x'));
    expect(notesOf(await generate('--adapter', adapter))).toEqual([
      'note: the adapter was trained on another model, someone/backbone; its text may make no sense',
    ]);
    await writeFile(file, '{"base": 3}');
    const damaged = await generate('--adapter', adapter);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain(`${file} is damaged ("base": `);
    await writeFile(file, card);
  });

  it.each([
    ['someone/backbone', undefined],
    ['/models/Backbone/', undefined],
    ['', undefined],
    [null, undefined],
    ['someone/spine-1b', 'someone/spine-1b'],
    ['some\u001b[2Jone', 'some\\u{1b}[2Jone'],
  ])('goes by the name of the base, %j, where an adapter has no card', async (base, said) => {
    const bare = place.path('bare');
    await cp(adapter, bare, { recursive: true });
    await rm(join(bare, 'idiolect.json'));
    const file = join(bare, 'adapter_config.json');
    const config = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...config, base_model_name_or_path: base }));
    const text = await generate('--adapter', bare);
    expect(text.code).toBe(0);
    expect(notesOf(text)).toEqual(
      said === undefined
        ? []
        : [
            `note: the adapter names ${said} as the model it was made for, and the model here is ${place.model}; ` +
              'unless they are the same, its text may make no sense',
          ],
    );
  });

  it.each(['2030-13-01', 'today', ''])('refuses %j for a day', async day => {
    const { code, stderr } = await generate('--prompt-date', day);
    expect(code).toBe(1);
    expect(stderr).toContain('--prompt-date: expected a day as YYYY-MM-DD.');
  });
});

describe('a chat template that asks for the day', () => {
  it('scores and generates the same on every day', async () => {
    const score = (env?: NodeJS.ProcessEnv) =>
      idiolect(['score', '--run', run, '--cache', place.cache, '--json'], env ? { env } : {});
    const [today, later] = [await score(), await score(LATER)];
    expect(today).toMatchObject({ code: 0 });
    expect(later.stdout).toBe(today.stdout);
    const write = (env?: NodeJS.ProcessEnv) =>
      idiolect(['generate', '--model', place.model, '--prompt', 'fix login', '--json'], env ? { env } : {});
    expect((await write(LATER)).stdout).toBe((await write()).stdout);
  });
});
