/** Profiles: written once from a sample of the user's own records, then read. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Workspace, workspace } from '../../../../tests/support/workspace.ts';
import type { HistoryRecord } from '../../../histories/index.ts';
import { LanguageModel } from '../../../language-model/language-model.ts';
import { userProfile } from './profiles.ts';

let place: Workspace;
let model: LanguageModel;
beforeAll(async () => {
  place = await workspace();
  model = await LanguageModel.load(place.model, { device: 'cpu', threads: 1 });
});
afterAll(async () => {
  await model.close();
  await place.remove();
});

const history = Array.from(
  { length: 9 },
  (_, i): HistoryRecord => ({ user: 'a/b', input: `q${i}`, output: `text-${i}` }),
);
const options = { records: 4, seed: 0, chat: 'never' } as const;

describe('a profile', () => {
  it('is written once by the model, and read from then on', async () => {
    const folder = place.path('profiles');
    const profile = await userProfile(model, 'a/b', history, { folder, ...options });
    const files = await readdir(folder);
    expect(files).toHaveLength(1);
    expect(JSON.parse(await readFile(join(folder, files[0]!), 'utf8'))).toBe(profile);
    expect(profile.length).toBeGreaterThan(0);

    const generate = vi.spyOn(model, 'generateAll');
    expect(await userProfile(model, 'a/b', history, { folder, ...options, seed: 9 })).toBe(profile);
    expect(generate).not.toHaveBeenCalled();
    generate.mockRestore();
    // Greedy: written again it is the same.
    expect(await userProfile(model, 'a/b', history, { folder: place.path('again'), ...options })).toBe(profile);
  });

  it('is asked for with fewer texts where the model has no room for so many, so that the question is whole', async () => {
    const long = Array.from(
      { length: 6 },
      (_, i): HistoryRecord => ({ user: 'a', input: 'q', output: `${i} ${'x'.repeat(150)}` }),
    );
    const generate = vi.spyOn(model, 'generateAll').mockImplementation(async () => ['terse']);
    const room = vi.spyOn(model, 'promptRoom').mockReturnValue(700);
    await userProfile(model, 'a', long, { folder: place.path('long'), ...options, records: 6 });
    const [request] = generate.mock.calls[0]![0];
    for (const mock of [generate, room]) mock.mockRestore();
    expect(request).toMatch(/^These texts are by one person/);
    const shown = request!.match(/x{150}/g)!.length;
    expect(shown).toBeGreaterThan(0);
    expect(shown).toBeLessThan(6);
    expect(model.tokenizer.encodePrompt(request!, 'never').length).toBeLessThanOrEqual(700);
  });

  it('is asked for with as many of the user’s texts as told, drawn with the seed', async () => {
    const generate = vi.spyOn(model, 'generateAll').mockImplementation(async () => ['terse']);
    const room = vi.spyOn(model, 'promptRoom').mockReturnValue(1000);
    const shown = async (folder: string, change: Partial<{ records: number; seed: number }>) => {
      generate.mockClear();
      await userProfile(model, 'a/b', history, { folder: place.path(folder), ...options, ...change });
      return generate.mock.calls[0]![0].join().match(/text-\d/g)!;
    };
    const four = await shown('four', {});
    expect(new Set(four).size).toBe(4);
    expect(await shown('same', {})).toEqual(four);
    expect(await shown('seeded', { seed: 1 })).not.toEqual(four);
    expect((await shown('all', { records: 20 })).toSorted()).toEqual(history.map(({ output }) => output));
    for (const mock of [generate, room]) mock.mockRestore();
  });
});
