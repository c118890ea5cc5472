/** `idiolect tokens` on two small runs: its numbers against those of `score`, its pictures, and what it refuses. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenShifts } from '../../src/jobs/tokens/token-groups.ts';
import { idiolect } from '../support/cli.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
const train = (out: string, ...more: string[]) => {
  const { model, data, cache } = place;
  const places = ['--model', model, '--data', data, '--cache', cache, '--out', place.path(out)];
  return idiolect(['train', ...places, '--epochs', '1', '--lr', '1e-2', ...more]);
};
beforeAll(async () => {
  place = await workspace();
  expect(await train('half', '--alpha', '0.5', '--users', 'ada,grace')).toMatchObject({ code: 0 });
  expect(await train('none', '--alpha', '0')).toMatchObject({ code: 0 });
});
afterAll(() => place.remove());

async function tokens(against: string, out: string, ...more: string[]) {
  const places = ['--run', place.path('half'), '--against', place.path(against), '--out', place.path(out)];
  const result = await idiolect(['tokens', ...places, ...more]);
  const data = JSON.parse(await readFile(join(place.path(out), 'tokens.json'), 'utf8').catch(() => 'null'));
  return { ...result, texts: data?.texts as readonly TokenShifts[], summary: data?.summary };
}

describe('idiolect tokens', () => {
  test('gives the log-probabilities that score gives, token by token', async () => {
    const { code, texts } = await tokens('none', 'own');
    expect(code).toBe(0);
    const scored = await idiolect(['score', '--run', place.path('half'), '--cache', place.cache, '--json']);
    const { users } = JSON.parse(scored.stdout);
    expect([...new Set(texts.map(({ user }) => user))]).toEqual(['ada', 'grace']);
    for (const { user, records, tokens: count, base, adapter } of users) {
      const own = texts.filter(text => text.user === user);
      expect(own).toHaveLength(records);
      const mean = (of: (text: TokenShifts) => readonly number[]) =>
        own.flatMap(of).reduce((a, b) => a + b, 0) / own.flatMap(of).length;
      expect(own.flatMap(({ tokens }) => tokens)).toHaveLength(count);
      // The file rounds each value to a millionth.
      expect(Math.abs(mean(({ reference }) => reference) - base)).toBeLessThan(1e-6);
      expect(Math.abs(mean(({ run }) => run) - (adapter - base))).toBeLessThan(1e-6);
    }
  });

  test('the pieces of a text are the text', async () => {
    const { texts } = await tokens('none', 'training', '--set', 'own-training');
    const lines = (await readFile(place.data, 'utf8')).trim().split('\n');
    const written = lines.map(line => JSON.parse(line) as { output: string }).map(({ output }) => output);
    for (const { tokens, shared } of texts) {
      expect(written).toContain(tokens.slice(0, -1).join('').trimStart());
      expect(shared).toHaveLength(tokens.length);
      expect(shared.at(-1)).toBe(1); // the end token closes every text of the others
      expect(Math.max(...shared)).toBe(1);
      expect(Math.min(...shared)).toBeGreaterThanOrEqual(0);
    }
  });

  test.each(['others', 'auxiliary'])('texts of %s are under the adapter of the user named', async set => {
    const { texts, summary } = await tokens('none', set, '--set', set, '--users', 'grace', '--records', '2');
    expect(texts.map(({ user }) => user)).toEqual(['grace', 'grace']);
    expect(summary).toMatchObject({ unit: 'record', units: 2 });
    expect((await readdir(place.path(set))).sort()).toEqual(['groups.svg', 'tokens-grace.svg', 'tokens.json']);
    expect(await readFile(place.path(`${set}/tokens-grace.svg`), 'utf8')).toContain('</svg>');
  });

  test('a run against itself differs nowhere', async () => {
    const { texts, summary } = await tokens('half', 'self');
    for (const { run, against } of texts) expect(run).toEqual(against);
    for (const { difference } of summary.groups) expect(difference).toEqual({ mean: 0, low: 0, high: 0 });
  });

  test('runs that were not encoded alike, and users of one run only, are refused in one sentence', async () => {
    expect(await train('long', '--alpha', '0', '--users', 'ada', '--max-length', '64')).toMatchObject({ code: 0 });
    const unlike = await tokens('long', 'unlike');
    expect(unlike).toMatchObject({ code: 1, stdout: '' });
    expect(unlike.stderr).toContain('cannot be compared token by token (maxLength 2048 and 64)');
    const places = ['--run', place.path('none'), '--against', place.path('half'), '--out', place.path('x')];
    const missing = await idiolect(['tokens', ...places, '--users', 'linus']);
    expect(missing.stderr).toContain('has no adapter for "linus"');
  });
});
