/** The folders of src are rooms. Imports point one way, from a room to those below it: the table is the map of them. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Each room and the rooms it may import, all of them above it in the table. */
const ROOMS: Readonly<Record<string, string>> = {
  common: '',
  hub: 'common',
  graph: 'common',
  model: 'common hub graph',
  engine: 'common graph',
  histories: 'common hub',
  objectives: 'common graph engine histories',
  'language-model': 'common hub graph model engine histories',
  statistics: 'common',
  overlap: 'common model engine histories language-model statistics',
  training: 'common graph model engine histories objectives language-model',
  runs: 'common model engine histories objectives language-model overlap training',
  pretraining: 'common model engine language-model training runs',
  metrics: 'common overlap',
  charts: 'common',
  results: 'common histories overlap statistics metrics charts',
  jobs: 'common hub model engine histories objectives language-model overlap training runs statistics metrics charts results',
  terminal: 'common hub overlap results jobs',
  cli: 'common hub model engine histories objectives language-model overlap runs statistics results jobs terminal',
};

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

/** Modules that a text imports or re-exports, types and dynamic imports included. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*'([^']*)'/g)].map(match => match[1]!);
}

/** `src/index.ts` and its like put the rooms together and may import any of them; they are in none. */
const files = (await readdir(SOURCE, { recursive: true })).filter(
  file => file.endsWith('.ts') && !file.endsWith('.test.ts') && file.includes(sep),
);
const roomOf = (file: string) => file.split(sep)[0]!;

/** What each file imports: files of src, and packages. */
const imports = new Map<string, { files: string[]; packages: string[] }>();
for (const file of files) {
  const all = importsOf(await readFile(join(SOURCE, file), 'utf8'));
  imports.set(file, {
    files: all.flatMap(path => (path.startsWith('.') ? [relative(SOURCE, join(SOURCE, dirname(file), path))] : [])),
    packages: all.filter(path => !path.startsWith('.')),
  });
}

/** Files that can be reached from themselves, each with the way back. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]) => {
    const begin = way.indexOf(file);
    if (begin >= 0) found.push([...way.slice(begin), file].join(' -> '));
    if (begin >= 0 || done.has(file)) return;
    for (const next of imports.get(file)?.files ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe('rooms', () => {
  test('every folder of src is one of them, and the table has no other', () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(ROOMS).sort());
  });

  test('each may import rooms above it in the table only', () => {
    const names = Object.keys(ROOMS);
    for (const [i, allowed] of Object.values(ROOMS).entries()) {
      const wrong = allowed.split(' ').filter(name => name !== '' && !names.slice(0, i).includes(name));
      expect(wrong, names[i]).toEqual([]);
    }
  });

  test('imports keep to the table', () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const [file, { files: targets }] of imports) {
      const room = roomOf(file);
      for (const target of targets) {
        seen++;
        if (roomOf(target) === room || ROOMS[room]!.split(' ').includes(roomOf(target))) continue;
        wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(1000); // the pattern still finds imports
  });

  test('no files import each other in a circle', () => {
    expect(circles()).toEqual([]);
  });

  test('one file alone imports ONNX Runtime', () => {
    const users = [...imports].filter(([, { packages }]) => packages.some(name => name.startsWith('onnxruntime')));
    const files = users.map(([file]) => file);
    expect(files).toEqual([join('engine', 'onnxruntime-node.ts')]);
  });

  test('imports are found in every form', () => {
    const text = `
      import { a } from './a.ts';
      import type {
        B,
      } from '../b.ts';
      import './c.ts';
      export * from '../d/index.ts';
      const e = await import('./e.ts');
      import { z } from 'zod';`;
    expect(importsOf(text)).toEqual(['./a.ts', '../b.ts', './c.ts', '../d/index.ts', './e.ts', 'zod']);
  });
});
