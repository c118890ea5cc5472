/** A reader of what a command prints may leave early: the work goes to its end, and nothing is lost. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { contentOf, type Workspace, workspace } from '../support/workspace.ts';

let place: Workspace;
beforeAll(async () => {
  place = await workspace();
  expect(await train('whole')).toMatchObject({ code: 0 });
});
afterAll(() => place.remove());

function train(out: string, options: Parameters<typeof idiolect>[1] = {}) {
  const { model, data, cache } = place;
  const source = ['--model', model, '--data', data, '--cache', cache];
  return idiolect(['train', ...source, '--alpha', '0.2', '--save-every', '2', '--out', place.path(out)], options);
}

const resultsOf = async (out: string) => ({
  adapters: await contentOf(place.path(`${out}/adapters`)),
  metrics: await readFile(place.path(`${out}/metrics.jsonl`), 'utf8'),
});

describe('standard error', () => {
  it.each(['nothing', 'something'] as const)('closed after %s: training ends well and loses nothing', async after => {
    const { code, signal, stdout } = await train(`stderr-${after}`, { closed: { stream: 'stderr', after } });
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(stdout).toContain('held-out texts');
    expect(await resultsOf(`stderr-${after}`)).toEqual(await resultsOf('whole'));
  });

  it('closed: a failure still has its exit code', async () => {
    const options = { closed: { stream: 'stderr', after: 'nothing' } } as const;
    expect(await idiolect(['trian'], options)).toMatchObject({ code: 2, stderr: '' });
  });
});

describe('standard output', () => {
  it.each(['nothing', 'something'] as const)('closed after %s: generate ends in silence', async after => {
    const args = ['generate', '--model', place.model, '--prompt', 'x', '--max-tokens', '200'];
    const { code, stderr } = await idiolect(args, { closed: { stream: 'stdout', after } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('closed: training has written everything by then', async () => {
    const { code, stderr } = await train('stdout', { closed: { stream: 'stdout', after: 'nothing' } });
    expect(stderr).not.toMatch(/EPIPE|\n\s+at /);
    expect(code).toBe(0);
    expect(await resultsOf('stdout')).toEqual(await resultsOf('whole'));
  });

  it.runIf(existsSync('/dev/full'))('on a full disk: one sentence', () => {
    const full = openSync('/dev/full', 'w');
    const cli = fileURLToPath(new URL('../support/cli.ts', import.meta.url));
    const options = { env: { ...process.env, NO_COLOR: '1' }, encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(process.execPath, [cli, '--help'], {
      ...options,
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(stderr).toBe(
      'error: standard output cannot be written: the disk is full. Free some space, then run the same command again.\n',
    );
    expect(status).toBe(1);
  });
});
