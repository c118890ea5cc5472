/** Where commands write what they are told to: never over what is there, unless told so; never over what they read. */
import { spawnSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
});
afterAll(() => place.remove());

/** The arguments of each command but --out. */
const commands: Readonly<Record<string, () => readonly string[]>> = {
  train: () => ['train', ...source(), '--alpha', '0.2'],
  adapt: () => ['adapt', ...source(), '--target-users', '1'],
  compare: () => ['compare', ...source(), '--target-users', '1', '--development-users', '1'],
  ablate: () => ['ablate', ...source(), '--sweep', 'alpha=0,0.6'],
  init: () => ['init', '--model', place.model, '--data', place.data],
  'import table': () => ['import', 'table', place.data],
  simulate: () => ['simulate', '--users', '3', '--records', '8'],
};
/** Those that refuse a whole folder, tested in `not-ours.test.ts` and below; `data get` is tested in `data.test.ts`. */
const RUN_FOLDERS = ['train', 'adapt', 'compare', 'ablate', 'forget'];
const HELP = new URL('help/', import.meta.url);
const source = () => ['--model', place.model, '--data', place.data, '--cache', place.cache];

describe.runIf(process.platform === 'linux')('where the system takes no files', () => {
  it.each(Object.keys(commands))('%s ends in one sentence', async name => {
    const { code, stderr } = await idiolect([...commands[name]!(), '--out', '/proc/idiolect']);
    expect(stderr).toMatch(/^error: \/proc\/idiolect.* cannot be written: .*\.$/m);
    expect(stderr).not.toMatch(/ENOENT|\n\s+at /);
    expect(code).toBe(1);
  });
});

describe('a file that is there', () => {
  /** Each command that writes a file or several, what it writes below --out, and the flag that replaces. */
  const cases: readonly (readonly [string, string, string])[] = [
    ['import table', '', '--force'],
    ['import git', '', '--force'],
    ['import lamp', '', '--force'],
    ['import longlamp', '', '--force'],
    ['import oppu', '', '--force'],
    ['simulate', '', '--force'],
    ['simulate', '.truth.json', '--force'],
    ['init', '/train.json', '--yes'],
    ['init', '/run.sh', '--yes'],
    ['tokens', '/tokens.json', '--force'],
    ['tokens', '/groups.svg', '--force'],
    ['tokens', '/tokens-ada.svg', '--force'],
  ];
  /** Commands whose inputs are not there: they refuse before they look for them. */
  const withoutInputs: typeof commands = {
    'import git': () => ['import', 'git', place.path('none')],
    'import lamp': () => ['import', 'lamp', 'none.json'],
    'import longlamp': () => ['import', 'longlamp', 'none'],
    'import oppu': () => ['import', 'oppu', 'none'],
    tokens: () => ['tokens', '--run', 'r', '--against', 's'],
  };

  it.each(cases)('%s leaves OUT%s alone', async (name, ending, flag) => {
    const out = place.path(`${name}${ending}`.replaceAll(/\W/g, '-'));
    if (ending.startsWith('/')) await mkdir(out);
    await writeFile(out + ending, 'mine\n');
    const command = withoutInputs[name] ?? commands[name]!;
    const run = (...more: string[]) => idiolect([...command(), '--out', out, ...more]);
    const refused = await run();
    const sentence = `${out + ending} is there already. Choose another --out, or give ${flag} to replace it.`;
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(sentence) });
    expect(await readFile(out + ending, 'utf8')).toBe('mine\n');
    const forced = await run(flag);
    expect(forced.stderr).not.toContain('is there already');
    const written = await readFile(out + ending, 'utf8');
    if (name in withoutInputs) {
      expect(forced.code).toBe(1);
      expect(written, 'a command that fails replaces nothing').toBe('mine\n');
    } else expect(written).not.toBe('mine\n');
  });

  it.each(cases)(
    '%s clears what a killed process left of OUT%s, and leaves that of a living one',
    async (name, ending) => {
      const out = place.path(`left-${name}${ending}`.replaceAll(/\W/g, '-'));
      if (ending.startsWith('/')) await mkdir(out);
      const [folder, file] = [dirname(out + ending), basename(out + ending)];
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      const ours = [`.${file}.${dead}.partial`, `..${file}.${dead}.partial.${dead}.partial`];
      const others = [`.${file}.${process.pid}.partial`, `.x${file}.${dead}.partial`, `.${file}.partial`, `${file}.x`];
      for (const left of [...ours, ...others]) await writeFile(join(folder, left), 'half');
      await idiolect([...(withoutInputs[name] ?? commands[name]!)(), '--out', out]);
      const names = await readdir(folder);
      expect(ours.filter(left => names.includes(left))).toEqual([]);
      expect(others.filter(left => !names.includes(left))).toEqual([]);
    },
  );

  it('has a test for every command with --out', async () => {
    const files = await readdir(HELP);
    const texts = await Promise.all(files.map(async name => [name, await readFile(new URL(name, HELP), 'utf8')]));
    const withOut = texts.flatMap(([name, text]) => (/^ +--out /m.test(text!) ? [name!.replace('.txt', '')] : []));
    const tested = [...cases.map(([name]) => name), ...RUN_FOLDERS, 'data get'];
    expect(withOut.sort()).toEqual([...new Set(tested.map(name => name.replace(' ', '-')))].sort());
  });

  it('is never replaced where the command reads it, by whatever name', async () => {
    const table = place.path('posts.jsonl');
    const link = place.path('posts-link.jsonl');
    await writeFile(table, '{"user":"a","input":"","output":"b"}\n');
    await symlink(table, link);
    const before = await readFile(table, 'utf8');
    for (const input of [table, link]) {
      const { code, stderr } = await idiolect(['import', 'table', input, '--out', table, '--force']);
      expect(stderr).toContain(`${table} is what this command reads (${input}). Choose another --out.`);
      expect(code).toBe(1);
    }
    const config = place.path('simulate.json');
    await writeFile(config, '{"users": 3, "records": 8}');
    const overConfig = await idiolect(['simulate', '--config', config, '--out', config, '--force']);
    expect(overConfig.stderr).toContain(`${config} is what this command reads`);
    expect([await readFile(table, 'utf8'), await readFile(config, 'utf8')]).toEqual([
      before,
      '{"users": 3, "records": 8}',
    ]);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
  });

  it('keeps a folder that no ablation began', async () => {
    const out = place.path('notes');
    await mkdir(`${out}/cells/mine`, { recursive: true });
    await writeFile(`${out}/ablation.md`, 'mine\n');
    const { code, stderr } = await idiolect([...commands.ablate!(), '--out', out]);
    expect(stderr).toContain(`${out} is not empty, and was not made by an ablation: it holds ablation.md`);
    expect(code).toBe(1);
    expect(await readFile(`${out}/ablation.md`, 'utf8')).toBe('mine\n');
  });
});
