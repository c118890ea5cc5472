/** Every command and program of README, the documents and the help, run as printed on small data. */
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocks, commands, documents, ROOT, type Snippet } from '../support/documented.ts';
import { type Playground, playground } from '../support/playground.ts';

let base: Playground;
beforeAll(async () => {
  base = await playground();
});
afterAll(() => base.remove());

const isIdiolect = ({ text }: Snippet) => /(^|\| )(npx )?idiolect /.test(text);

/** Names that the reader is to put another in for. */
const PLACEHOLDERS: readonly (readonly [RegExp, string])[] = [
  [/--user NAME\b/, '--user ada'],
  [/--model starter\b/, '--model tiny'], // the starter has tests of its own, and takes longer
];

const filledIn = (command: string) =>
  PLACEHOLDERS.reduce((text, [pattern, value]) => text.replace(pattern, value), command);

async function expectRuns(place: Playground, command: string): Promise<void> {
  const { code, output } = await place.run(filledIn(command));
  expect({ command, code, output: code === 0 ? '' : output }).toEqual({ command, code: 0, output: '' });
}

/** A program and the files it imports itself, where its flags are. */
async function withImports(program: string): Promise<string> {
  const source = await readFile(program, 'utf8');
  const imported = [...source.matchAll(/from '(\..*)'/g)].map(([, path]) =>
    readFile(join(program, '..', path!), 'utf8'),
  );
  return [source, ...(await Promise.all(imported))].join('\n');
}

const all = new Map(await Promise.all((await documents()).map(async file => [file, await commands(file)] as const)));

let walked: Playground;
/** What a reader does first, one after the other; the other documents and the help start from there. */
const WALK = ['README.md', 'docs/train.md'];

describe('the walk', () => {
  beforeAll(async () => {
    walked = await base.copy();
  });

  it.each(WALK.flatMap(file => all.get(file)!).filter(isIdiolect))('$file:$line $text', ({ text }) =>
    expectRuns(walked, text),
  );
});

describe.each([...all].filter(([file, list]) => !WALK.includes(file) && list.some(isIdiolect)))('%s', (_, list) => {
  let place: Playground;
  beforeAll(async () => {
    // Where README's reader is after the imports and the first run.
    place = await base.copy();
    for (const name of ['histories.jsonl', 'histories.jsonl.gz', 'runs/first']) {
      await cp(join(walked.folder, name), join(place.folder, name), { recursive: true });
    }
  });

  it.each(list.filter(isIdiolect))('line $line: $text', ({ text }) => expectRuns(place, text));
});

describe('the example of', async () => {
  const help = join(ROOT, 'tests/run/help'); // what --help prints, as cli.test.ts checks
  const examples = await Promise.all(
    (await readdir(help)).map(async name => /\nExample:\n {2}(.*)/.exec(await readFile(join(help, name), 'utf8'))?.[1]),
  );

  it.each(examples.filter(example => example !== undefined))('%s', async example => {
    const place = await walked.copy();
    const [, out] = / --out (\S+)/.exec(example) ?? [];
    const isThere = out === 'data' || example.startsWith('idiolect forget');
    if (out !== undefined && !isThere) await rm(join(place.folder, out), { recursive: true, force: true });
    await expectRuns(place, example.startsWith('idiolect init') ? `${example} --yes` : example);
  });
});

describe('commands of a clone', async () => {
  const others = [...all.values()].flat().filter(snippet => !isIdiolect(snippet));
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

  it.each(others.filter(({ text }) => /\bnpm (run \S+|test)/.test(text)))('$file:$line $text: is there', ({ text }) => {
    for (const [, name = 'test'] of text.matchAll(/\bnpm (?:run (\S+)|test)/g)) expect(scripts).toHaveProperty(name);
  });

  it.each(others.filter(({ text }) => /^(node|python) /.test(text)))(
    '$file:$line $text: takes its flags',
    async ({ text }) => {
      const [, program] = text.split(' ');
      expect(existsSync(join(ROOT, program!))).toBe(true);
      const source = await withImports(join(ROOT, program!));
      for (const [, flag] of text.matchAll(/ --([a-z-]+)/g)) {
        const key = flag!.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
        expect(source).toMatch(new RegExp(`\\b(${flag}|${key})\\b`));
      }
    },
  );
});

describe('the program of', async () => {
  const programs = (await Promise.all((await documents()).map(file => blocks(file, 'ts')))).flat();

  it.each(programs)('$file:$line', async ({ text, line }) => {
    const program = join(walked.folder, `program-${line}.mts`);
    const entryOf = (room = '') => JSON.stringify(join(ROOT, 'src', room, 'index.ts'));
    await writeFile(
      program,
      text.replace(/'idiolect(?:\/([\w-]+))?'/g, (_, room) => entryOf(room)),
    );
    const { code, output } = await walked.run(`"${process.execPath}" "${program}"`);
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringMatching(/^[^\n]*\d\.\d+/) });
  });
});
