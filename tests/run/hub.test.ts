/** A model by its name on the Hub, by the command line: fetched once, then used from the cache. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idiolect } from '../support/cli.ts';
import { type FileServer, fileServer } from '../support/file-server.ts';
import { serveModel } from '../support/hub.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const commit = 'c'.repeat(40);
const id = 'someone/tiny-backbone';

let place: Workspace;
let server: FileServer;
let env: Record<string, string>;
let contents: Record<string, Buffer>;
beforeAll(async () => {
  place = await workspace();
  server = await fileServer();
  env = { HF_HOME: place.path('hub-home'), HF_ENDPOINT: server.address, HF_TOKEN: '', HF_HUB_CACHE: '' };
  const names = await readdir(place.model);
  contents = Object.fromEntries(
    await Promise.all(names.map(async name => [name, await readFile(join(place.model, name))] as const)),
  );
  serveModel(server, id, contents, { commit });
});
afterAll(async () => {
  await server.close();
  await place.remove();
});

describe('--model owner/name', () => {
  const generate = (model: string, more: Record<string, string> = {}) =>
    idiolect(['generate', '--model', model, '--prompt', 'fix login', '--max-tokens', '8', '--json'], {
      env: { ...env, ...more },
    });

  it('is fetched, told in one line, and writes what the folder writes; then without a network', async () => {
    const byFolder = await generate(place.model);
    const fetched = await generate(id);
    expect(fetched).toMatchObject({ code: 0, stdout: byFolder.stdout });
    const snapshot = join(place.path('hub-home'), 'hub/models--someone--tiny-backbone/snapshots', commit);
    expect(fetched.stderr).toMatch(/someone\/tiny-backbone: 0\.0 of 0\.\d MB/);
    expect(fetched.stderr).toMatch(new RegExp(`someone/tiny-backbone: 0\\.\\d MB in ${snapshot}\n${byFolder.stderr}$`));
    expect(await generate(id, { HF_HUB_OFFLINE: '1' })).toEqual(byFolder);
  });

  it('that cannot be had ends in one sentence, with nothing on standard output', async () => {
    const offline = await generate('someone/other', { HF_HUB_OFFLINE: '1' });
    expect(offline).toMatchObject({ code: 1, stdout: '' });
    expect(offline.stderr).toMatch(/^error: someone\/other is neither a folder nor whole in .*HF_HUB_OFFLINE.*\n$/);
    const unknown = await generate('someone/other');
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toMatch(/^error: there is no folder someone\/other, and http.*\n$/);
  });

  it('is what a run and its adapters are recorded with, and its commit is what they are scored with', async () => {
    const run = place.path('run');
    const train = [
      'train',
      '--model',
      id,
      '--data',
      place.data,
      '--out',
      run,
      '--cache',
      place.cache,
      '--alpha',
      '0.2',
    ];
    expect(await idiolect([...train, '--users', 'first:1', '--epochs', '1'], { env })).toMatchObject({ code: 0 });
    const record = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
    expect(record.settings.model.value).toBe(id);
    expect(record.sources.commit).toBe(commit);
    const config = JSON.parse(await readFile(join(run, 'adapters/ada/adapter_config.json'), 'utf8'));
    expect(config.base_model_name_or_path).toBe(id);

    // Elsewhere and later: nothing is in the cache, and the name means another commit.
    await rm(place.path('hub-home'), { recursive: true });
    const changed = { ...contents, 'config.json': Buffer.concat([contents['config.json']!, Buffer.from('\n')]) };
    serveModel(server, id, contents, { commit, revision: 'then' });
    serveModel(server, id, changed, { commit: 'd'.repeat(40) });
    const scored = await idiolect(['score', '--run', run, '--cache', place.path('other-cache')], { env });
    expect(scored).toMatchObject({ code: 0 });
    expect(scored.stderr).toContain(`${id}@${commit}: 0.`);
  });
});
