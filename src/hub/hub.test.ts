import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FileServer, fileServer } from '../../tests/support/file-server.ts';
import { gitBlob, type HubModelOptions, serveModel } from '../../tests/support/hub.ts';
import { sha256 } from '../common/files.ts';
import { takeLock } from '../common/lock.ts';
import { openCheckpoint } from '../model/checkpoint.ts';
import { type ResolveOptions, resolveModel } from './hub.ts';
import { parseModelName, snapshotOf } from './hub-cache.ts';
import type { FetchProgress } from './hub-model.ts';

const weights = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));
const contents = {
  'config.json': Buffer.from('{"model_type":"llama"}'),
  'tokenizer.json': Buffer.from('{}'),
  'tokenizer_config.json': Buffer.from('{"eos_token":"</s>"}'),
  'model.safetensors': weights,
  'pytorch_model.bin': Buffer.from('not this one'),
  'README.md': Buffer.from('# nor this one'),
};
const commit = 'c'.repeat(40);

let server: FileServer;
let folder = '';
let count = 0;
beforeAll(async () => {
  server = await fileServer();
  folder = await mkdtemp(join(tmpdir(), 'idiolect-hub-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A model under a name of its own, on the server and with an empty cache. */
function place(files: Readonly<Record<string, Buffer>> = contents, options: HubModelOptions = {}) {
  const id = `owner/model-${count++}`;
  const served = serveModel(server, id, files, options);
  const home = join(folder, id);
  const repository = join(home, 'hub', `models--${id.replace('/', '--')}`);
  const env = { HF_HOME: home, HF_ENDPOINT: `${server.address}/` };
  return {
    id,
    served,
    home,
    repository,
    env,
    get: (more: ResolveOptions = {}, name = id) => resolveModel(name, { env, ...more }),
    requests: () => server.requests.filter(request => request.includes(`/${id}/`)),
    blobs: async () => (await readdir(join(repository, 'blobs')).catch(() => [])).toSorted(),
    /** Answers requests for a file by a refusal. */
    refuse: (path: string, status: number, headers: Record<string, string> = {}) =>
      server.files.set(path, { content: Buffer.alloc(0), refusals: { count: 99, status, headers } }),
  };
}

/** What other programs leave in a cache: the files they wanted, and marks for those they wanted and there were not. */
async function fetchedByPython(
  repository: string,
  files: Readonly<Record<string, Buffer>>,
  absent: readonly string[],
): Promise<string> {
  const snapshot = join(repository, 'snapshots', commit);
  for (const path of ['blobs', `snapshots/${commit}`, 'refs', `.no_exist/${commit}`])
    await mkdir(join(repository, path), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(repository, 'blobs', sha256(content)), content);
    await symlink(`../../blobs/${sha256(content)}`, join(snapshot, name));
  }
  for (const name of absent) await writeFile(join(repository, '.no_exist', commit, name), '');
  await writeFile(join(repository, 'refs/main'), commit);
  return snapshot;
}

describe('a model by name', () => {
  it('is fetched, what is needed of it, into the layout of Hugging Face’s own cache', async () => {
    const { id, get, repository, requests, blobs } = place();
    const progress: FetchProgress[] = [];
    const snapshot = await get({ onProgress: seen => progress.push(seen) });
    expect(snapshot).toBe(join(repository, 'snapshots', commit));
    const wanted = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'] as const;
    expect((await readdir(snapshot)).toSorted()).toEqual(wanted);
    for (const name of wanted) {
      const content = contents[name];
      expect(await readFile(join(snapshot, name))).toEqual(content);
      const hash = name === 'model.safetensors' ? sha256(content) : gitBlob(content);
      expect(await readlink(join(snapshot, name))).toBe(`../../blobs/${hash}`);
    }
    expect(await blobs()).toHaveLength(wanted.length); // and nothing that was on the way
    expect(await readFile(join(repository, 'refs/main'), 'utf8')).toBe(commit);
    expect(requests().filter(request => request.startsWith(`/${id}/resolve/`))).toHaveLength(wanted.length);
    const total = wanted.reduce((sum, name) => sum + contents[name].length, 0);
    expect(progress[0]).toEqual({ done: 0, total, before: 0 });
    expect(progress.at(-1)).toEqual({ done: total, total, before: 0 });
    expect(progress.map(({ done }) => done)).toEqual(progress.map(({ done }) => done).toSorted((a, b) => a - b));
  });

  it('needs no network the second time, nor to be told so', async () => {
    const { get, requests, env } = place();
    const first = await get();
    const asked = requests().length;
    expect(await get()).toBe(first);
    expect(await get({ env: { ...env, HF_HUB_OFFLINE: '1' } })).toBe(first);
    expect(requests()).toHaveLength(asked);
  });

  it('continues where it was stopped', async () => {
    const { id, get, served, blobs, requests } = place();
    served.get('model.safetensors')!.stalls = 1;
    const stop = new AbortController();
    const small = Object.entries(contents).reduce(
      (sum, [name, { length }]) => (/on$/.test(name) ? sum + length : sum),
      0,
    );
    const stopped = get({ signal: stop.signal, onProgress: ({ done }) => done > small && stop.abort() });
    await expect(stopped).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: `stopped; run the same command again to continue the download of ${id}.`,
    });
    expect(await blobs()).toContain(`${sha256(weights)}.incomplete`);
    expect(await blobs()).not.toContain(sha256(weights));

    const progress: FetchProgress[] = [];
    const snapshot = await get({ onProgress: seen => progress.push(seen) });
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
    expect(progress[0]!.done).toBe(progress[0]!.before);
    expect(progress[0]!.before).toBeGreaterThan(small);
    const [last] = requests().slice(-1);
    expect(last).toBe(`/${id}/resolve/${commit}/model.safetensors bytes=${progress[0]!.before - small}-`);
  });

  it('continues by itself where the connection breaks', async () => {
    const { get, served } = place();
    served.get('model.safetensors')!.stalls = 1;
    let last = 0;
    const snapshot = await get({
      onProgress({ done }) {
        if (done > last) server.drop();
        last = done;
      },
    });
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
  });

  it('is the revision that is named, each by itself', async () => {
    const other = 'd'.repeat(40);
    const { id, get, repository } = place(contents, { revision: 'v1/beta' });
    serveModel(server, id, { ...contents, 'config.json': Buffer.from('{}') }, { commit: other });
    expect(await get({}, `${id}@v1/beta`)).toBe(join(repository, 'snapshots', commit));
    expect(await readFile(join(repository, 'refs/v1/beta'), 'utf8')).toBe(commit);
    const main = await get();
    expect(main).toBe(join(repository, 'snapshots', other));
    expect(await readFile(join(main, 'config.json'), 'utf8')).toBe('{}');
    expect(await get({}, `${id}@${commit}`)).toBe(join(repository, 'snapshots', commit));
    expect((await readdir(join(repository, 'refs'))).toSorted()).toEqual(['main', 'v1']);
  });

  it('in shards is the shards its index names', async () => {
    const home = fileURLToPath(new URL('../../tests/fixtures/checkpoints/llama-sharded/', import.meta.url));
    const names = [
      'config.json',
      'model.safetensors.index.json',
      ...[1, 2, 3].map(i => `model-0000${i}-of-00003.safetensors`),
    ];
    const files = await Promise.all(names.map(async name => [name, await readFile(join(home, name))] as const));
    const extra = { 'tokenizer.json': Buffer.from('{}'), 'other.safetensors': Buffer.from('x') };
    const { id, get, env } = place({ ...Object.fromEntries(files), ...extra });
    const snapshot = await get();
    expect((await readdir(snapshot)).toSorted()).toEqual([...names, 'tokenizer.json'].toSorted());
    const { name, commit: opened, fingerprint } = await openCheckpoint(snapshot);
    expect({ name, opened }).toEqual({ name: id, opened: commit });
    expect(fingerprint).toBe((await openCheckpoint(home)).fingerprint);
    // That it has no tokenizer_config.json is known from the first time; that a shard is gone is seen.
    expect(await get({ env: { ...env, HF_HUB_OFFLINE: '1' } })).toBe(snapshot);
    await rm(join(snapshot, names.at(-1)!));
    await expect(get({ env: { ...env, HF_HUB_OFFLINE: '1' } })).rejects.toThrow('nor whole in');
    expect(await get()).toBe(snapshot);
  });

  it('already fetched by Python is used as it is, wherever the variables say', async () => {
    const { id, get, home, requests } = place();
    const cache = join(home, 'elsewhere');
    const repository = join(cache, `models--${id.replace('/', '--')}`);
    const snapshot = await fetchedByPython(repository, contents, ['chat_template.jinja', 'generation_config.json']);
    expect(await get({ env: { HF_HUB_CACHE: cache, HF_ENDPOINT: 'http://127.0.0.1:9' } })).toBe(snapshot);
    expect(requests()).toEqual([]);
  });

  it('fetched by Python without its chat template is completed, as the commit it is', async () => {
    const template = Buffer.from('{{ messages }}');
    const { id, get, repository, requests } = place({ ...contents, 'chat_template.jinja': template });
    serveModel(server, id, contents, { commit: 'd'.repeat(40) });
    const snapshot = await fetchedByPython(repository, contents, ['generation_config.json']);
    expect(await get()).toBe(snapshot);
    expect(await readFile(join(snapshot, 'chat_template.jinja'))).toEqual(template);
    const asked = requests();
    expect(asked.filter(request => request.includes('/resolve/'))).toHaveLength(1);
    expect(await get()).toBe(snapshot);
    expect(requests()).toEqual(asked);
  });

  it('fetched by Python without marks of what it has not is asked for once', async () => {
    const { get, repository, requests } = place();
    const snapshot = await fetchedByPython(repository, contents, []);
    for (const _ of [1, 2]) expect(await get()).toBe(snapshot);
    expect(requests()).toHaveLength(1);
  });

  it('needs no file for a chat template that its settings hold', async () => {
    const { get, repository, requests } = place();
    const settings = Buffer.from('{"eos_token":"</s>","chat_template":"{{ messages }}"}');
    const files = { ...contents, 'tokenizer_config.json': settings };
    const snapshot = await fetchedByPython(repository, files, ['generation_config.json']);
    expect(await get()).toBe(snapshot);
    expect(requests()).toEqual([]);
  });

  it('that cannot be completed is used as it is, which is said once', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const closed = await fileServer();
      await closed.close();
      for (const [more, reason] of [
        [{ HF_HUB_OFFLINE: '1' }, /HF_HUB_OFFLINE forbids to ask the Hub\. Unset it once\.$/],
        [{ HF_ENDPOINT: closed.address }, /cannot be reached \(.*ECONNREFUSED.*\)\.$/],
      ] as const) {
        const { id, get, repository, env } = place();
        const snapshot = await fetchedByPython(repository, contents, []);
        warn.mockClear();
        for (const _ of [1, 2]) expect(await get({ env: { ...env, ...more } })).toBe(snapshot);
        expect(warn).toHaveBeenCalledOnce();
        const [sentence] = warn.mock.calls[0]!;
        const lacking = 'generation_config.json and chat_template.jinja, which it may have: ';
        expect(sentence).toContain(`${id} is used without ${lacking}`);
        expect(sentence).toMatch(reason);
      }
    } finally {
      warn.mockRestore();
    }
  });

  it('half fetched by another is completed, and what is there is left alone', async () => {
    const { get, id, repository, requests } = place();
    const snapshot = join(repository, 'snapshots', commit);
    await mkdir(snapshot, { recursive: true });
    await writeFile(join(snapshot, 'model.safetensors'), weights); // a copy, as where there are no symbolic links
    await get();
    expect((await lstat(join(snapshot, 'model.safetensors'))).isFile()).toBe(true);
    expect(requests().filter(request => request.includes('resolve') && request.includes(id))).toHaveLength(3);
  });
});

describe('a token', () => {
  it('goes to the Hub and not to where it sends us', async () => {
    const store = await fileServer();
    try {
      const { id, get, env, home } = place();
      const path = `/${id}/resolve/${commit}/model.safetensors`;
      server.files.set(path, { content: Buffer.alloc(0), redirect: `${store.address}/signed` });
      store.files.set('/signed', { content: weights, etag: '"x"' });
      await mkdir(home, { recursive: true });
      await writeFile(join(home, 'token'), 'kept\n');
      await get({ env: { ...env, HF_TOKEN: 'given' } });
      expect(server.authorizations.get(path)).toBe('Bearer given');
      expect(server.authorizations.get(`/api/models/${id}/revision/main`)).toBe('Bearer given');
      expect(store.requests).toEqual(['/signed']);
      expect(store.authorizations.get('/signed')).toBeUndefined();
    } finally {
      await store.close();
    }
  });

  it('is taken from the file of "hf auth login" too; without one there is none', async () => {
    const { id, get, home } = place();
    await mkdir(home, { recursive: true });
    await writeFile(join(home, 'token'), 'kept\n');
    await get();
    expect(server.authorizations.get(`/api/models/${id}/revision/main`)).toBe('Bearer kept');
    const other = place();
    await other.get();
    expect(server.authorizations.get(`/api/models/${other.id}/revision/main`)).toBeUndefined();
  });
});

describe('one sentence', () => {
  it('for what is neither a folder nor a name', async () => {
    const wrong = [
      'nowhere',
      './owner/name',
      'a/b/c',
      'owner/na--me',
      'owner/../x',
      'owner/name@../x',
      'owner/name@',
      '',
    ];
    for (const name of wrong) {
      await expect(resolveModel(name, { env: {} })).rejects.toMatchObject({
        code: 'MODEL',
        message: expect.stringMatching(
          /^.* is neither a folder nor a name on the Hub\. `model` needs a .*owner\/name\.$/,
        ),
      });
    }
    expect(await resolveModel(folder, { env: {} })).toBe(folder);
  });

  it('for a model that is not there, a revision that is not, and a token that is not accepted', async () => {
    const { id, get, env, refuse } = place();
    await expect(get({}, 'owner/none')).rejects.toMatchObject({
      code: 'MODEL',
      message:
        `there is no folder owner/none, and ${server.address} shows no model of that name. ` +
        'Check the name; where the model is private, set HF_TOKEN.',
    });
    refuse(`/api/models/${id}/revision/v9`, 404, { 'x-error-code': 'RevisionNotFound' });
    await expect(get({}, `${id}@v9`)).rejects.toThrow(`${id} has no revision "v9". Name a branch, a tag or a commit`);
    refuse(`/api/models/${id}/revision/main`, 401, {
      'x-error-message': 'Invalid credentials in Authorization header',
    });
    await expect(get({ env: { ...env, HF_TOKEN: 'old' } })).rejects.toThrow('does not accept the token of HF_TOKEN');
    refuse(`/api/models/${id}/revision/main`, 401, { 'x-error-code': 'RepoNotFound' });
    await expect(get()).rejects.toThrow(`there is no folder ${id}`);
  });

  it('for a gated one, by the list or by the files', async () => {
    const { id, get, refuse, repository } = place();
    const sentence = `${id} is gated: accept its licence at ${server.address}/${id}, then set HF_TOKEN to a token of that account.`;
    refuse(`/${id}/resolve/${commit}/config.json`, 401, { 'x-error-code': 'GatedRepo' });
    await expect(get()).rejects.toMatchObject({ code: 'MODEL', message: sentence });
    refuse(`/api/models/${id}/revision/main`, 403);
    await expect(get()).rejects.toMatchObject({ code: 'MODEL', message: sentence });
    expect(existsSync(join(repository, 'refs'))).toBe(false);
  });

  it('without a network, and where it is forbidden', async () => {
    const { id, env, get, requests } = place();
    const closed = await fileServer();
    await closed.close();
    await expect(get({ env: { ...env, HF_ENDPOINT: closed.address } })).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringMatching(
        new RegExp(
          `^${id} is neither a folder nor whole in the cache, and http:.* cannot be reached \\(.*ECONNREFUSED.*\\)\\.$`,
        ),
      ),
    });
    await expect(get({ env: { ...env, HF_HUB_OFFLINE: '1' } })).rejects.toThrow(
      /^owner\/model-\d+ is neither a folder nor whole in .*, and HF_HUB_OFFLINE forbids to fetch it\./,
    );
    expect(requests()).toEqual([]);
  });

  it('for a model that is not in safetensors, or lacks a part', async () => {
    const { 'model.safetensors': _, ...old } = contents;
    const { id, get } = place(old);
    await expect(get()).rejects.toThrow(`${id} holds neither model.safetensors nor model.safetensors.index.json.`);
    const { 'tokenizer.json': __, ...mute } = contents;
    await expect(place(mute).get()).rejects.toThrow('has no tokenizer.json on the Hub');
    const index = Buffer.from('{"weight_map":{"a":"../../../x"}}');
    await expect(place({ ...old, 'model.safetensors.index.json': index }).get()).rejects.toThrow(
      'names the file "../../../x"',
    );
  });

  it.each(['model.safetensors', 'config.json'])('for a %s of other content, which is not kept', async name => {
    const { id, get, served, blobs, repository } = place();
    const right = served.get(name)!;
    const content = Buffer.from(right.content);
    content[7]! ^= 1;
    const path = `/${id}/resolve/${commit}/${name}`;
    server.files.set(path, { ...right, content });
    await expect(get()).rejects.toThrow(/has other content than was announced .*; it was thrown away\./);
    const hash = name === 'config.json' ? gitBlob(right.content) : sha256(right.content);
    expect((await blobs()).filter(blob => blob.startsWith(hash))).toEqual([]);
    expect(existsSync(join(repository, 'snapshots'))).toBe(false);
    server.files.set(path, right);
    await get();
  });

  it('for a disk without room, before anything is asked of it', async () => {
    const { id, get, requests } = place(contents, { told: { 'model.safetensors': { size: 1e15 } } });
    await expect(get()).rejects.toThrow(
      new RegExp(
        `^${id} needs 100000000\\d\\.\\d MB more, and .* has room for [\\d.]+ MB\\. Make room, or set HF_HOME`,
      ),
    );
    expect(requests()).toHaveLength(1);
  });

  it.skipIf(!existsSync('/dev/full'))('for a disk that fills up meanwhile', async () => {
    const { get, repository } = place();
    await mkdir(join(repository, 'blobs'), { recursive: true });
    await symlink('/dev/full', join(repository, 'blobs', `${sha256(weights)}.incomplete`));
    await expect(get()).rejects.toMatchObject({
      code: 'DATA',
      message: `the disk of ${join(repository, 'blobs')} is full; what came is kept. Make room and run the same command again.`,
    });
  });

  it('for a download another process is at', async () => {
    const { id, get, home } = place();
    const locks = join(home, 'hub/.locks', `models--${id.replace('/', '--')}`);
    const unlock = await takeLock(join(locks, 'idiolect.lock'), 'this', '');
    await expect(get()).rejects.toThrow(`the download of ${id} is in use by process ${process.pid}. Wait for it.`);
    await unlock();
    await writeFile(join(locks, 'idiolect.lock'), '999999999'); // one that is gone
    await get();
    expect(await readdir(locks)).toEqual([]);
  });
});

describe('names', () => {
  it('are read with their revision, and found again in the cache’s folders', () => {
    expect(parseModelName('HuggingFaceTB/SmolLM2-135M')).toEqual({
      id: 'HuggingFaceTB/SmolLM2-135M',
      revision: 'main',
    });
    expect(parseModelName('a/b.c_d@refs/pr/1')).toEqual({ id: 'a/b.c_d', revision: 'refs/pr/1' });
    expect(snapshotOf(`/x/models--a--b.c/snapshots/${commit}/`)).toEqual({ id: 'a/b.c', commit });
    for (const other of [`/x/datasets--a--b/snapshots/${commit}`, '/x/models--a--b/snapshots/main', 'model']) {
      expect(snapshotOf(other)).toBeUndefined();
    }
  });
});
