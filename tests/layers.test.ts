/** The folders of src are layers that point one way. The list below is the map of them. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** Each layer may import itself and the ones before it. */
const ORDER = [
  'common',
  'graph',
  'model',
  'runtime',
  'objectives',
  'overlap',
  'training',
  'methods',
  'evaluation',
  'cli',
];

/**
 * Beside the list: what imports `common` alone, and may be imported from a layer of the list on. Histories know nothing
 * of models, charts nothing of what they show.
 */
const ASIDE: Readonly<Record<string, string>> = { histories: 'overlap', charts: 'evaluation' };

const SOURCE = fileURLToPath(new URL('../src', import.meta.url));

function allowedFrom(layer: string): readonly string[] {
  if (layer in ASIDE) return [layer, 'common'];
  const below = ORDER.slice(0, ORDER.indexOf(layer) + 1);
  return [...below, ...Object.keys(ASIDE).filter(name => below.includes(ASIDE[name]!))];
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
    const known = [...ORDER, ...Object.keys(ASIDE)];
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

  test('metrics import themselves and common alone', async () => {
    const folder = join('evaluation', 'metrics') + sep;
    const metrics = files.filter(file => file.startsWith(folder));
    const targets: string[] = [];
    for (const file of metrics) {
      const imported = importsOf(await readFile(join(SOURCE, file), 'utf8'));
      targets.push(...imported.map(path => relative(SOURCE, join(SOURCE, dirname(file), path))));
    }
    expect(targets.filter(target => !target.startsWith(folder) && layerOf(target) !== 'common')).toEqual([]);
    expect(targets.length).toBeGreaterThan(4); // the folder is where this test looks
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
