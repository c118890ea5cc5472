/** `idiolect init` and `idiolect import table`: from a product's own files to a run that works. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { habitualHistories } from '../../examples/habits.ts';
import { importArguments, shellScript } from '../../src/cli/init-files.ts';
import { askAnswers, askColumns, type Dialogue, dialogue } from '../../src/cli/init-questions.ts';
import { collect, detectSource, readHistories } from '../../src/histories/index.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
let posts: string;
beforeAll(async () => {
  place = await workspace(4);
  posts = place.path('posts.csv');
  const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const rows = habitualHistories(4).map(({ user, input, output, time }) =>
    [user, input, output, time!].map(cell).join(),
  );
  await writeFile(posts, `\ufeffauthor,subject,text,sent\r\n${rows.join('\r\n')}\r\n`);
});
afterAll(() => place.remove());

const COLUMNS = [
  ...['--user-field', 'author', '--input-field', 'subject'],
  ...['--output-field', 'text', '--time-field', 'sent'],
];

describe('init by flags', () => {
  it('imports, checks, estimates and writes commands that work', async () => {
    const out = place.path('first');
    const made = await idiolect(['init', '--data', posts, '--model', place.model, '--out', out, ...COLUMNS]);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toBe(`npx idiolect train --config ${out}/train.json\nnpx idiolect score --run ${out}/run\n`);
    expect(made.stderr).toContain(`${posts}: 12 records of 3 users`);
    expect(made.stderr).toMatch(/it may take about \d+ (s|min), an estimate .*: \d+ (s|min) to \d+ (s|min) if/);
    expect(made.stderr).toMatch(/it takes about [\d.]+ .B of memory and [\d.]+ .B of disk/);
    expect(await collect(readHistories(`${out}/histories.jsonl`))).toEqual(habitualHistories(4));

    const trained = await idiolect(['train', '--config', `${out}/train.json`, '--cache', place.cache, '--json']);
    expect(trained).toMatchObject({ code: 0 });
    const { run, users } = JSON.parse(trained.stdout);
    expect(run).toBe(`${out}/run`);
    expect(users.map(({ user }: { user: string }) => user)).toEqual(['ada', 'grace', 'linus']);
    // The steps that were announced are those that were made.
    const steps = (await readFile(`${run}/metrics.jsonl`, 'utf8')).trim().split('\n').length;
    expect(made.stderr).toContain(`: ${steps} steps of 8 records`);

    const again = await idiolect(['init', '--data', posts, '--model', place.model, '--out', out, ...COLUMNS]);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('train.json is there already. Choose another --out, or give --yes to replace it.');

    // Over a run that is there, only what train would continue with.
    const kept = await readFile(`${out}/train.json`, 'utf8');
    const fewer = place.path('fewer.jsonl');
    await writeFile(fewer, (await readFile(place.data, 'utf8')).replace(/\n[^\n]+\n$/, '\n'));
    const over = ['init', '--model', place.model, '--out', out, '--yes'];
    const other = await idiolect([...over, '--data', fewer, '--max-length', '128']);
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain(
      `${out}/run holds a run of another --max-length, which train would not continue with these settings. Choose another --out`,
    );
    expect(await readFile(`${out}/train.json`, 'utf8')).toBe(kept);
    expect(await idiolect([...over, '--data', posts, ...COLUMNS])).toMatchObject({ code: 0 });
    expect(await readFile(`${out}/train.json`, 'utf8')).toBe(kept);
  });

  it('replaces no histories unasked, never its own source, and nothing before all is checked', async () => {
    const out = place.path('kept');
    const file = `${out}/histories.jsonl`;
    await mkdir(out);
    await cp(posts, file);
    const before = await readFile(file, 'utf8');
    const run = (data: string, ...flags: string[]) =>
      idiolect(['init', '--data', data, '--model', place.path('nowhere'), '--out', out, ...COLUMNS, ...flags]);
    const refused = [
      [await run(posts), `${file} is there already. Choose another --out, or give --yes to replace it.`],
      [await run(file, '--yes'), `${file} is what --data names, and its conversion would replace it.`],
      [await run(posts, '--yes'), 'nowhere is neither a folder nor a name on the Hub.'],
    ] as const;
    for (const [{ code, stderr }, sentence] of refused) {
      expect(code).toBe(1);
      expect(stderr).toContain(sentence);
    }
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await readdir(out)).toEqual(['histories.jsonl']);
  });

  it('takes a git repository, with the template of commits', async () => {
    const repository = place.path('project');
    const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args]);
    execFileSync('git', ['init', '--quiet', repository]);
    for (const [i, name] of ['ada', 'ada', 'ada', 'Jenkins', 'Jenkins', 'Jenkins'].entries()) {
      await writeFile(`${repository}/file${i}`, `${i}\n`);
      git('add', '.');
      git('-c', `user.name=${name}`, '-c', `user.email=${name}@example.org`, 'commit', '--quiet', '-m', `Change ${i}`);
    }
    const out = place.path('of git');
    const flags = ['--bots', 'keep', '--max-length', '128', '--skip-bad', '--json'];
    const made = await idiolect(['init', '--data', repository, '--model', place.model, '--out', out, ...flags]);
    expect(made).toMatchObject({ code: 0 });
    const { config, script, estimate } = JSON.parse(made.stdout);
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({
      ...{ model: place.model, data: `${out}/histories.jsonl`, template: 'commit-subject', out: `${out}/run` },
      ...{ maxLength: 128, skipBad: true },
    });
    const written = await readFile(script, 'utf8');
    expect(written).toContain(`npx idiolect train --config '${out}/train.json'\n`);
    expect(written).toContain(`import git ${repository} --bots keep --out`);
    expect(made.stderr).toContain(`or all of it: sh '${out}/run.sh'\n`);
    expect(estimate).toMatchObject({ users: 2, steps: 6 });
    expect(estimate.seconds.low).toBeLessThan(estimate.seconds.high);
  });

  it.each([
    [[], 'idiolect init asks questions only on a terminal; otherwise give --data, --model, --out.'],
    [['--data', 'd', '--out', 'o'], 'otherwise give --model.'],
  ])('%j without a terminal: exit code 2, and which flags to give', async (flags, sentence) => {
    const result = await idiolect(['init', ...flags]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(sentence);
  });

  it('says which columns there are where names are missing, and what is wrong before it writes', async () => {
    const flags = ['--data', posts, '--model', place.path('nowhere')];
    const unnamed = await idiolect(['init', ...flags, '--out', place.path('unnamed')]);
    expect(unnamed).toMatchObject({ code: 2, stdout: '' });
    const which = 'say which is which with --user-field, --input-field, --output-field ("" for no input)';
    expect(unnamed.stderr).toContain(
      `has the columns author, subject, text, sent; ${which} and --time-field, if there is one.`,
    );
    const timed = await idiolect(['init', ...flags, '--out', place.path('unnamed'), '--time-field', 'sent']);
    expect(timed.stderr).toContain(`${which}.`);
    const chats = place.path('chats.jsonl');
    await writeFile(chats, '{"messages": [{"role": "user", "content": "hi"}]}\n');
    const chat = await idiolect(['init', '--data', chats, '--model', place.model, '--out', place.path('unnamed')]);
    expect(chat).toMatchObject({ code: 1, stdout: '' });
    expect(chat.stderr).toContain('chats.jsonl: "messages" holds a conversation: write one line for each turn');
    const broken = await idiolect(['init', ...flags, '--out', place.path('broken'), ...COLUMNS]);
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toContain('nowhere is neither a folder nor a name on the Hub.');
    await expect(readFile(place.path('broken/train.json'))).rejects.toThrow('ENOENT');
  });
});

describe('the script', () => {
  it('names all that an import was told', () => {
    const reading = {
      columns: { user: 'who', input: '' },
      timeFormat: 'dd.mm.yyyy',
      quote: 'none',
      skipBad: true,
    } as const;
    expect(importArguments({ kind: 'table', path: 'x.csv' }, reading, 'h.jsonl').join(' ')).toBe(
      'import table x.csv --user-field who --input-field  --time-format dd.mm.yyyy --quote none --skip-bad --out h.jsonl --force',
    );
  });

  it('goes to where its paths are meant from, and takes any name of a file', async () => {
    await mkdir(place.path('a folder'), { recursive: true });
    const script = shellScript(place.path('a folder'), ['printf \'%s\\n\' "$PWD"'], "import 'x\nexit 3");
    await writeFile(place.path('a folder/run.sh'), script);
    const printed = execFileSync('sh', [place.path('a folder/run.sh')], { cwd: '/', encoding: 'utf8' });
    expect(printed.trim()).toBe(process.cwd());
    // Where a shell looks for folders is no matter.
    await mkdir(place.path('other/place/a folder'), { recursive: true });
    const env = { ...process.env, CDPATH: place.path('other/place') };
    const again = execFileSync('sh', ['a folder/run.sh'], { cwd: place.folder, env, encoding: 'utf8' });
    expect(again.trim()).toBe(process.cwd());
  });
});

describe('where histories are', () => {
  it('is told by looking', async () => {
    const kindOf = async (path: string) => (await detectSource(path)).kind;
    expect(await kindOf(place.data)).toBe('histories');
    expect(await kindOf(posts)).toBe('table');
    await writeFile(place.path('other.jsonl'), '{"author": "ada", "text": "hi"}\n');
    expect(await kindOf(place.path('other.jsonl'))).toBe('table');
    await writeFile(place.path('no-input.jsonl'), '{"user": "ada", "output": "hi"}\n');
    expect(await kindOf(place.path('no-input.jsonl'))).toBe('table');
    await writeFile(place.path('cut.jsonl'), '{"user": "ad\n');
    expect(await kindOf(place.path('cut.jsonl'))).toBe('histories');
    execFileSync('git', ['init', '--quiet', place.path('repository')]);
    execFileSync('git', ['init', '--quiet', '--bare', place.path('bare')]);
    expect(await kindOf(place.path('repository'))).toBe('git');
    expect(await kindOf(place.path('bare'))).toBe('git');
    await mkdir(place.path('lamp'));
    for (const name of ['dev_outputs.json', 'dev_questions.json', 'train_questions.json']) {
      await cp(place.data, place.path(`lamp/${name}`));
    }
    const [path, outputs] = ['dev_questions.json', 'dev_outputs.json'].map(name => place.path(`lamp/${name}`));
    expect(await detectSource(place.path('lamp'))).toEqual({ kind: 'lamp', path, outputs });
    await mkdir(place.path('no dev'));
    for (const name of ['test_questions.json', 'train_outputs.json', 'train_questions.json']) {
      await cp(place.data, place.path(`no dev/${name}`));
    }
    expect(await detectSource(place.path('no dev'))).toMatchObject({ path: place.path('no dev/train_questions.json') });
    await expect(kindOf(place.model)).rejects.toThrow('is neither a git repository (.git) nor a folder of LaMP');
    await expect(kindOf(place.path('nowhere'))).rejects.toThrow('cannot be opened');
  });
});

describe('questions on a terminal', () => {
  /** A person who types these keys, each after the last was taken. */
  async function typed<T>(keys: readonly string[], talk: (talk: Dialogue) => Promise<T>): Promise<T> {
    const input = new PassThrough();
    const output = new PassThrough().resume();
    const typing = setInterval(() => (keys.length > 0 ? input.write((keys as string[]).shift()) : undefined), 30);
    try {
      return await talk(dialogue({ input, output }));
    } finally {
      clearInterval(typing);
    }
  }

  it('ask for what flags have not said, and refuse a folder that is not there', async () => {
    const keys = ['nowhere', '\r', ...'nowhere'.split('').map(() => '\u007f'), place.model, '\r'];
    expect(await typed(keys, talk => askAnswers({ data: 'd', out: 'o' }, talk))).toEqual({
      ...{ data: 'd', model: place.model, out: 'o' },
    });
  });

  it('take the name of the starter, wherever they are asked', async () => {
    const here = process.cwd();
    process.chdir('/');
    try {
      const answers = typed(['starter', '\r'], talk => askAnswers({ data: 'd', out: 'o' }, talk));
      expect(await answers).toEqual({ data: 'd', model: 'starter', out: 'o' });
    } finally {
      process.chdir(here);
    }
  });

  it('offer the columns of a table, and to name none of times', async () => {
    const columns = ['author', 'text'];
    const none = ['\r', '\u001b[B', '\u001b[B', '\r'];
    expect(await typed(none, talk => askColumns(talk, ['user', 'time'], columns))).toEqual({ user: 'author' });
    const keys = ['\r', '\u001b[B', '\u001b[B', '\r'];
    expect(await typed(keys, talk => askColumns(talk, ['user', 'input'], ['author', 'text']))).toEqual({
      ...{ user: 'author', input: '' },
    });
  });

  it('end at Ctrl-C without a trace', async () => {
    await expect(typed(['\u0003'], talk => talk.confirm('Write?'))).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('init with --skip-bad', () => {
  it('counts the rows that were left out', async () => {
    const file = place.path('bad.csv');
    const bad = 'ada,hi,\n'.repeat(9);
    await writeFile(file, `author,subject,text,sent\nada,hi,yo,2026-05-01\n${bad}`.replaceAll(',\n', ',,\n'));
    const flags = ['--model', place.path('none'), '--out', place.path('counted'), '--skip-bad', '--yes', ...COLUMNS];
    const { stderr } = await idiolect(['init', '--data', file, ...flags]);
    expect(stderr).toContain('bad.csv:7: "text" is empty');
    expect(stderr).not.toContain('bad.csv:8:');
    expect(stderr).toContain('note: 9 entries were left out in all\n');
  });
});

describe('import table', () => {
  it('writes histories, or says in which line a column is missing and leaves the old file', async () => {
    const out = place.path('imported.jsonl.gz');
    const { code, stdout } = await idiolect(['import', 'table', posts, ...COLUMNS, '--out', out, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ file: out, records: 12, users: 3 });
    const before = await readFile(out);
    const wrong = await idiolect(['import', 'table', posts, '--user-field', 'name', '--out', out, '--force']);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain(
      'posts.csv:1: there is no column "name" (user); there are author, subject, text, sent. Name the right ones by',
    );
    expect(await readFile(out)).toEqual(before);
  });
});
