/** What texts of the library name in backquotes is shown as a flag, so it must be one. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { VERBS } from '../src/cli/main.ts';

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

test('every setting that a text names is a setting of a verb', async () => {
  const known = new Set<string>();
  for (const { load } of Object.values(VERBS)) {
    for (const key of Object.keys((await load()).schema.shape)) known.add(key);
  }
  const files = (await readdir(SOURCE, { recursive: true })).filter(file => /(?<!\.test)\.ts$/.test(file));
  const named: string[] = [];
  for (const file of files) {
    const text = (await readFile(`${SOURCE}/${file}`, 'utf8')).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const [, key] of text.matchAll(/\bsetting\('(\w+)'\)/g)) named.push(`${file}: ${key}`);
    for (const [string] of text.matchAll(/'(?:[^'\n\\]|\\.)*'/g)) {
      for (const [, key] of string.matchAll(/`([a-z][A-Za-z0-9]*)`/g)) named.push(`${file}: ${key}`);
    }
  }
  expect(named.filter(name => !known.has(name.split(': ')[1]!))).toEqual([]);
  expect(named.length).toBeGreaterThan(100); // the patterns still find them
});

test('the library names no flag: flags are the command line’s', async () => {
  const files = (await readdir(SOURCE, { recursive: true })).filter(
    file => /(?<!\.test)\.ts$/.test(file) && !file.startsWith('cli'),
  );
  const keys = new Set(
    (await Promise.all(Object.values(VERBS).map(({ load }) => load()))).flatMap(({ schema }) =>
      Object.keys(schema.shape),
    ),
  );
  const found: string[] = [];
  for (const file of files) {
    const text = (await readFile(`${SOURCE}/${file}`, 'utf8')).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    for (const line of text.split('\n')) {
      // Commands to run are the command line's whoever suggests them; git has flags of its own.
      if (/idiolect [a-z]+ |git-|rev-parse|--since/.test(line) || file.endsWith('import-command.ts')) continue;
      for (const [flag] of line.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)) {
        const key = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
        if (keys.has(key)) found.push(`${file}: ${line.trim()}`);
      }
    }
  }
  expect(found).toEqual([]);
});
