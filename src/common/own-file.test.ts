import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readKeptJson, readKeptLines, readOwnJson, readOwnLines } from './own-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-own-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const schema = z.object({ rank: z.number() });
const file = { schema, remedy: 'Delete it.' };
const path = () => join(folder, 'file');
const write = (content: string | Buffer) => writeFile(path(), content);

describe('a JSON file', () => {
  it('is undefined where there is none', async () => {
    expect(await readOwnJson(join(folder, 'none'), file)).toBeUndefined();
    expect(await readKeptJson(join(folder, 'none'), schema)).toBeUndefined();
  });

  it('gives the value by its schema', async () => {
    await write('{"rank": 8, "more": 1}\n');
    expect(await readOwnJson(path(), file)).toEqual({ rank: 8 });
    expect(await readKeptJson(path(), schema)).toEqual({ rank: 8 });
  });

  it.each([
    ['empty', '', 'it is empty'],
    ['null', 'null', 'expected object, received null'],
    ['a list', '[]', 'expected object, received array'],
    ['cut', '{"rank": 8', "Expected ',' or '}' after property value in JSON at position 10 (line 1 column 11)"],
    ['wrong in a field', '{"rank": "8"}', '"rank": expected number, received string'],
    ['binary', Buffer.from([0xff, 0xfe, 0x00]), 'it is not UTF-8 text'],
    ['of zeros', Buffer.alloc(4), `Unexpected token '\\u{0}', "\\u{0}\\u{0}\\u{0}\\u{0}" is not valid JSON`],
  ])('that is %s is named with what is wrong and the remedy, or made again', async (_, content, what) => {
    await write(content);
    const message = `${path()} is damaged (${what}). Delete it.`;
    await expect(readOwnJson(path(), file)).rejects.toMatchObject({ code: 'CONFIG', message });
    expect(await readKeptJson(path(), schema)).toBeUndefined();
  });

  it('that is a folder is refused, as nothing can be written in its place', async () => {
    await mkdir(join(folder, 'folder'));
    const message = `${join(folder, 'folder')} is a folder; a file was expected.`;
    await expect(readOwnJson(join(folder, 'folder'), file)).rejects.toMatchObject({ message });
    await expect(readKeptJson(join(folder, 'folder'), schema)).rejects.toMatchObject({ message });
    await expect(readKeptLines(join(folder, 'folder'), schema)).rejects.toMatchObject({ message });
  });
});

describe('JSON lines', () => {
  const whole = '{"rank":1}\n\n{"rank":2}\n';
  const both = [{ rank: 1 }, { rank: 2 }];

  it('are read whole, empty lines and a missing last line break aside', async () => {
    await write(whole);
    expect(await readOwnLines(path(), file)).toEqual(both);
    await write(`\n${whole.trimEnd()}`);
    expect(await readOwnLines(path(), file)).toEqual(both);
    expect(await readOwnLines(join(folder, 'none'), file)).toEqual([]);
  });

  it('lose a last line that was cut short', async () => {
    await write(`${whole}{"ra`);
    expect(await readOwnLines(path(), file)).toEqual(both);
  });

  it('are read across the pieces a large file comes in', async () => {
    await write('{"rank":1}\n'.repeat(200_000));
    expect(await readOwnLines(path(), file)).toHaveLength(200_000);
  });

  it.each([
    ['null', 'null', 'expected object, received null'],
    ['cut', '{"rank":', 'Unexpected end of JSON input'],
    ['binary', Buffer.from([0xff, 0x00]), 'it is not UTF-8 text'],
    ['too long', Buffer.alloc(17 * 2 ** 20, 'x'), 'a line is longer than 16777216 bytes'],
  ])('name a line in the middle that is %s, or pass it over where it can be made again', async (_, line, what) => {
    await write(Buffer.concat([Buffer.from('{"rank":1}\n'), Buffer.from(line), Buffer.from('\n{"rank":2}\n')]));
    const message = `${path()}:2 is damaged (${what}). Delete it.`;
    await expect(readOwnLines(path(), file)).rejects.toMatchObject({ code: 'CONFIG', message });
    expect(await readKeptLines(path(), schema)).toEqual(both);
  });
});
