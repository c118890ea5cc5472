/** The command line as a person meets it: what it prints, what it returns, what a signal does. */
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
let trainArgs: (out: string, ...more: string[]) => string[];
beforeAll(async () => {
  place = await workspace();
  const { model, data, cache } = place;
  trainArgs = (out, ...more) => [
    ...['train', '--model', model, '--data', data, '--cache', cache, '--out', place.path(out)],
    ...['--alpha', '0.2', '--epochs', '4', '--save-every', '3', ...more],
  ];
});
afterAll(() => place.remove());

describe('train, score and generate', () => {
  it('go from histories to adapters, scores and text', async () => {
    const trained = await idiolect(trainArgs('first', '--json'));
    expect(trained).toMatchObject({ code: 0 });
    const summary = JSON.parse(trained.stdout);
    expect(summary.users.map(({ user }: { user: string }) => user)).toEqual(['ada', 'grace', 'linus']);
    expect(trained.stderr).toContain('flags: model=');
    expect(trained.stderr).not.toContain('template="plain"'); // defaults are in run.json
    expect(trained.stderr).toContain('scoring the held-out texts (--skip-score leaves this out)\n');
    expect(summary.heldOut.users).toMatchObject([{ user: 'ada', gain: { texts: 2, verdict: 'few' } }, {}, {}]);
    expect(summary.heldOut).toMatchObject({ overall: { texts: 6 }, training: { method: 'cbpo', lr: 1e-4, epochs: 4 } });

    const scored = await idiolect(['score', '--run', place.path('first'), '--cache', place.cache]);
    expect(scored).toMatchObject({ code: 0 });
    expect(scored.stdout).toMatch(/^user +records +tokens +base +adapter +gain +another's adapter\nada +2 /);
    expect(scored.stdout).toMatch(/gain over the base: -?[\d.]+ nats per token, 95% interval .* over 3 users/);
    expect(scored.stdout).toMatch(/\nlinus: too few texts to judge: 2 held-out texts, and 6 are the fewest/);
    expect(scored.stdout).toMatch(
      /\nNothing was learnt that held-out texts show: .*\nTry --method sft --lr 1e-3 with another --out/,
    );

    const { model } = place;
    const adapter = summary.users[0].folder;
    const written = await idiolect(['generate', '--model', model, '--adapter', adapter, '--max-tokens', '8'], {
      input: 'fix login\n',
    });
    expect(written).toMatchObject({ code: 0, stderr: 'note: the text was cut at --max-tokens 8\n' });
    const json = await idiolect([
      ...['generate', '--model', model, '--adapter', adapter, '--max-tokens', '8', '--prompt', 'fix login', '--json'],
    ]);
    expect(JSON.parse(json.stdout).text).toBe(written.stdout.replace(/\n$/, ''));
  });

  it('scores better with the own adapter than with none', async () => {
    const { stdout } = await idiolect(['score', '--run', place.path('first'), '--cache', place.cache, '--json']);
    const { users, gain } = JSON.parse(stdout);
    for (const { base, adapter } of users) expect(adapter).toBeGreaterThan(base);
    expect(gain.low).toBeGreaterThan(0);
  });
});

describe('the end of train', () => {
  it('tells what each adapter moved, and what to try where that is nothing', async () => {
    const { code, stdout } = await idiolect(trainArgs('first'));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^held-out texts, nats a token +texts +over the model .*\nada +2 +\+0\.\d+ +\[.*too few texts\n/,
    );
    expect(stdout).toMatch(/\nall 3 users +6 +\+0\.\d+ /);
    expect(stdout).toMatch(/\nNothing was learnt that held-out texts show: .*\nTry --method sft --lr 1e-3/);
  });

  it('says that users differ from each other where they do', async () => {
    const more = ['--method', 'sft', '--lr', '1e-2', '--epochs', '10', '--target-modules', 'all-linear'];
    const { stdout } = await idiolect(trainArgs('learnt', ...more));
    expect(stdout).toMatch(
      /\nThe adapters help: .* more likely by \+[\d.]+ nats a token .*\n.* That part is personal\.\n$/,
    );
  });

  it.each([
    [['--skip-score'], /next: idiolect score --run .*skipped/, 'skipped'],
    [
      ['--query-share', '0'],
      /note: no text was held out, so what the adapters learnt cannot be distinguished/,
      'nothing-held-out',
    ],
  ])('scores nothing with %j', async (more, sentence, out) => {
    const { code, stdout, stderr } = await idiolect(trainArgs(out, ...more));
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(await readdir(place.path(out))).not.toContain('scores');
    const again = await idiolect(trainArgs(out, ...more, '--json'));
    expect(JSON.parse(again.stdout).heldOut).toBeNull();
  });

  it('does not make --skip-score part of what a run is', async () => {
    expect((await idiolect(trainArgs('skipped'))).code).toBe(0);
  });
});

describe('a signal', () => {
  it('Ctrl-C ends after the step, and the same command continues to the same adapters', async () => {
    let sent = false;
    const stopped = await idiolect(trainArgs('stopped'), {
      onError(stderr, kill) {
        if (sent || !stderr.includes('step ')) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('the same command continues from there');
    expect(await readdir(place.path('stopped/state'))).not.toEqual([]);
    expect(await idiolect(trainArgs('stopped'))).toMatchObject({ code: 0 });
    expect(await contentOf(place.path('stopped/adapters'))).toEqual(await contentOf(place.path('first/adapters')));
  });

  it('kill -9 leaves whole adapters or none, and nothing is lost', async () => {
    // Killed at several moments: as soon as it speaks of a first, a second and a third thing.
    for (const moment of ['reference', 'step ', 'ada: ', 'grace: ']) {
      const killed = await idiolect(trainArgs('killed', '--cache', place.path('killed-cache')), {
        onError(stderr, kill) {
          if (stderr.includes(moment)) kill('SIGKILL');
        },
      });
      expect(killed.signal ?? killed.code).not.toBe(1);
      for (const user of await readdir(place.path('killed/adapters')).catch(() => [])) {
        if (user.startsWith('.')) continue; // staging, never read
        const files = await readdir(place.path(`killed/adapters/${user}`));
        expect(files.sort()).toEqual([
          'README.md',
          'adapter_config.json',
          'adapter_model.safetensors',
          'idiolect.json',
        ]);
      }
    }
    expect(await idiolect(trainArgs('killed', '--cache', place.path('killed-cache')))).toMatchObject({ code: 0 });
    expect(await contentOf(place.path('killed/adapters'))).toEqual(await contentOf(place.path('first/adapters')));
    expect(await readFile(place.path('killed/metrics.jsonl'), 'utf8')).toBe(
      await readFile(place.path('first/metrics.jsonl'), 'utf8'),
    );
  });
});

describe('help and mistakes', () => {
  it('tell every verb, and every flag of a verb', async () => {
    const overview = await idiolect(['--help']);
    expect(overview.stdout).toMatch(/^ {2}train +train one adapter per user/m);
    for (const verb of [
      ['train'],
      ['adapt'],
      ['compare'],
      ['overlap'],
      ['score'],
      ['ablate'],
      ['forget'],
      ['tokens'],
      ['generate'],
      ['data', 'get'],
      ['import', 'git'],
      ['import', 'diff'],
      ['import', 'lamp'],
      ['import', 'longlamp'],
      ['import', 'oppu'],
      ['import', 'table'],
      ['simulate'],
      ['init'],
      ['doctor'],
    ]) {
      const { code, stdout } = await idiolect([...verb, '--help']);
      expect(code).toBe(0);
      await expect(stdout).toMatchFileSnapshot(`help/${verb.join('-')}.txt`);
    }
  });

  it.each([
    [['help', 'train'], /^Trains one LoRA adapter per user[\s\S]*--alpha/],
    [['help', 'import', 'git'], /Usage: idiolect import git PATH/],
    [['help'], /^idiolect teaches[\s\S]*import git/],
    [[], /^idiolect teaches/],
    [['import'], /^Usage: idiolect import VERB \[flags\]\n\n {2}import /],
    [['import', '--help'], /^Usage: idiolect import VERB/],
    [['help', 'import'], /^Usage: idiolect import VERB/],
    [['import', 'help'], /^Usage: idiolect import VERB/],
    [['data'], /data get/],
    [['-v'], /^\d+\.\d+\.\d+\n$/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('%j prints what was meant', async (args, shown) => {
    const { code, stdout, stderr } = await idiolect(args);
    expect(stdout).toMatch(shown);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('a long row of one-letter flags is refused at once, as one', async () => {
    const { code, stderr } = await idiolect(['train', `-${'x'.repeat(50_000)}`]);
    const sentence = `Unknown option '-${'x'.repeat(118)}…'. See idiolect train --help.`;
    expect({ code, stderr }).toEqual({ code: 2, stderr: `error: ${sentence}\n` });
  });

  it.each([
    [['tarin'], 2, 'there is no verb "tarin". Did you mean "train"? See idiolect --help.'],
    [['publish'], 2, 'there is no verb "publish". Verbs are train, adapt, compare, overlap, score'],
    [['import', 'tabel', 'x.csv'], 2, 'there is no verb "import tabel". Did you mean "import table"?'],
    [['train', '--alhpa', '0.3'], 2, `Unknown option '--alhpa'. Did you mean "--alpha"? See idiolect train --help.`],
    [['train', '--alpha', 'much'], 2, '--alpha: expected a number, found "much".'],
    [['train'], 1, '--model is missing: Hugging Face model folder, or owner/name[@revision] on the Hub.'],
    [['train', '--model', 'm', '--data', 'd', '--out', 'o', '--alpha', '1'], 1, '--alpha: expected number to be <1.'],
    [['import', 'git', '.', '--out', '/proc/nowhere/x.jsonl'], 1, '/proc/nowhere/x.jsonl cannot be written: '],
    [['score', '--run', 'nowhere'], 1, 'nowhere is not a run: there is no run.json. Train first.'],
    [['import', 'git', '--out', 'o'], 2, 'idiolect import git: expected PATH, found "".'],
    [
      ['generate', '--model', 'nowhere', '--prompt', 'x'],
      1,
      'nowhere is neither a folder nor a name on the Hub. --model needs',
    ],
  ])('%j: one sentence, exit code %i, no stack', async (args, code, sentence) => {
    const result = await idiolect(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(sentence);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.stdout).toBe('');
  });
});
