/** The folders of src are layers that point one way. The list below is the map of them. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Each layer may import itself and the ones before it. */
const ORDER = ['common', 'graph', 'model', 'runtime', 'objectives', 'overlap', 'training', 'evaluation', 'cli'];

/** Histories know nothing of models: they import `common` alone. Layers from `overlap` on may import them. */
const HISTORIES = { name: 'histories', imports: ['common'], importedFrom: 'overlap' };

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

function allowedFrom(layer: string): readonly string[] {
  if (layer === HISTORIES.name) return [HISTORIES.name, ...HISTORIES.imports];
  const below = ORDER.slice(0, ORDER.indexOf(layer) + 1);
  return below.includes(HISTORIES.importedFrom) ? [...below, HISTORIES.name] : below;
}

/** Relative paths that a module imports or re-exports, types and dynamic imports included. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*'(\.[^']*)'/g)].map(match => match[1]!);
}

/** `src/index.ts` puts the layers together and may import any of them; it is in none. */
const files = (await readdir(SOURCE, { recursive: true })).filter(
  file => file.endsWith('.ts') && !file.endsWith('.test.ts') && file.includes(sep),
);
const layerOf = (file: string) => file.split(sep)[0]!;

describe('layers', () => {
  test('every folder of src is one of them', () => {
    const known = [...ORDER, HISTORIES.name];
    expect([...new Set(files.map(layerOf))].filter(layer => !known.includes(layer))).toEqual([]);
  });

  test('no file imports from a higher layer', async () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const file of files) {
      const layer = layerOf(file);
      for (const imported of importsOf(await readFile(join(SOURCE, file), 'utf8'))) {
        seen++;
        const target = relative(SOURCE, join(SOURCE, dirname(file), imported));
        if (!allowedFrom(layer).includes(layerOf(target))) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen).toBeGreaterThan(100); // the pattern still finds imports
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
    expect(importsOf(text)).toEqual(['./a.ts', '../b.ts', './c.ts', '../d/index.ts', './e.ts']);
  });
});
