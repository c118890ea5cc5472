/** Targets and others: the draw, the file, and a file that does not fit the data. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawUserSplit, readUserSplit, resolveUserSplit, splitFingerprint, writeUserSplit } from './user-split.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const counts = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 4 })), {
    selector: ([user]) => user,
    minLength: 2,
    maxLength: 12,
  })
  .map(entries => new Map(entries));

describe('the draw', () => {
  it('takes the most active users, divides everyone, and does not depend on the order of users', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), (records, n, seed) => {
        const count = 1 + (n % (records.size - 1));
        const { targets, others } = drawUserSplit(records, count, seed);
        expect(targets).toHaveLength(count);
        expect([...targets, ...others].sort()).toEqual([...records.keys()].sort());
        const least = Math.min(...targets.map(user => records.get(user)!));
        for (const user of others) expect(records.get(user)).toBeLessThanOrEqual(least);
        const activity = targets.map(user => records.get(user)!);
        expect(activity).toEqual(activity.toSorted((a, b) => b - a));
        const turned = new Map([...records].reverse());
        expect(drawUserSplit(turned, count, seed).targets).toEqual(targets);
      }),
    );
  });

  it('lets the seed decide between equally active users', () => {
    const records = new Map(['a', 'b', 'c', 'd', 'e', 'f'].map(user => [user, 3]));
    const drawn = new Set([0, 1, 2, 3, 4, 5, 6, 7].map(seed => drawUserSplit(records, 1, seed).targets[0]));
    expect(drawn.size).toBeGreaterThan(1);
  });

  it.each([0, 2, 3, 1.5])('refuses %d of two users', count => {
    const records = new Map([
      ['ada', 2],
      ['grace', 1],
    ]);
    expect(() => drawUserSplit(records, count, 0)).toThrow(
      `\`targetUsers\` ${count}: the data has 2 users with records to train on, and at least one of them must stay outside`,
    );
  });
});

describe('the file', () => {
  const records = new Map([
    ['ada', 5],
    ['grace', 4],
    ['linus', 3],
  ]);
  const data = { file: 'histories.jsonl', fingerprint: 'f'.repeat(64) };
  const resolve = (setting: number | string) => resolveUserSplit(setting, records, data, 7);
  const write = async (content: unknown) => {
    const file = join(folder, 'users.json');
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it('gives back what was drawn', async () => {
    const drawn = await resolve(1);
    expect(drawn).toEqual({
      split: { data: data.fingerprint, seed: 7, targets: ['ada'], others: ['grace', 'linus'] },
      notices: [],
    });
    const file = join(folder, 'drawn.json');
    await writeUserSplit(file, drawn.split);
    expect(await readUserSplit(file)).toEqual(drawn.split);
    expect(await resolve(file)).toEqual(drawn);
  });

  it('may be written by hand with targets alone: everyone else is one of the others', async () => {
    const { split, notices } = await resolve(await write({ targets: ['linus'] }));
    expect(split).toMatchObject({ targets: ['linus'], others: ['ada', 'grace'] });
    expect(notices).toEqual([]);
  });

  it('made from other data is told; users it does not name are left out', async () => {
    const file = await write({ data: 'e'.repeat(64), targets: ['ada'], others: ['grace', 'alan'] });
    expect(await resolve(file)).toMatchObject({
      split: { targets: ['ada'], others: ['grace', 'alan'] },
      notices: [
        `${file} was made from another file than histories.jsonl; its users are taken by name`,
        `users in neither list of ${file} are left out: 1`,
      ],
    });
  });

  it.each([
    [{ targets: ['ada', 'eve'] }, 'the target user "eve" has no records to train on in histories.jsonl.'],
    [{ targets: ['ada'], others: ['ada'] }, 'names the user "ada" twice.'],
    [{ targets: [] }, 'is not a list of target users, {"targets": [names], ...} ("targets": '],
    [{ users: ['ada'] }, 'is not a list of target users, {"targets": [names], ...} ("targets": '],
    ['ada', 'is not a list of target users'],
  ])('%j is refused', async (content, sentence) => {
    const file = await write(content);
    await expect(resolve(file)).rejects.toMatchObject({ code: 'DATA', message: expect.stringContaining(sentence) });
  });

  it('that is not there is refused', async () => {
    await expect(resolve('nowhere.json')).rejects.toThrow('nowhere.json does not exist.');
  });

  it('has a fingerprint of who is what, not of the order', () => {
    const split = { targets: ['a', 'b'], others: ['c', 'd'] };
    expect(splitFingerprint({ ...split, seed: 3, targets: ['b', 'a'] })).toBe(splitFingerprint(split));
    expect(splitFingerprint({ targets: ['a', 'c'], others: ['b', 'd'] })).not.toBe(splitFingerprint(split));
  });
});
