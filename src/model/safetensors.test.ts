/** safetensors files: what is written is read back, and damage is named for what it is. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureOf, safetensorsBytes, temporaryFolders } from '../../tests/parity/support.ts';
import { type NamedTensor, readFloats, readHeader, readMetadata, writeSafetensors } from './safetensors.ts';

const folder = temporaryFolders();

const bits = (data: Float32Array) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)];

const tensor: fc.Arbitrary<NamedTensor> = fc
  .tuple(
    fc.string({ unit: 'grapheme', minLength: 1 }).map(text => `model.${text}`),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  )
  .chain(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return fc
      .float32Array({ minLength: length, maxLength: length })
      .map(data => ({ name, shape, data: Float32Array.from(data) }));
  });
const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 });

describe('round trip', () => {
  test('names, shapes and every bit, infinities and NaN too', async () => {
    const file = join(await folder(), 'a.safetensors');
    await fc.assert(
      fc.asyncProperty(tensors, async written => {
        await writeSafetensors(file, written);
        const header = await readHeader(file);
        expect([...header.keys()].sort()).toEqual(written.map(({ name }) => name).sort());
        for (const { name, shape, data } of written) {
          const entry = header.get(name)!;
          expect(entry).toMatchObject({ name, dtype: 'F32', shape });
          expect(bits(await readFloats(entry))).toEqual(bits(data));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('the order of writing does not matter; the first tensor is aligned; nothing is left beside the file', async () => {
    const where = await folder();
    const a = { name: 'a', shape: [2], data: Float32Array.of(1, 2) };
    const b = { name: 'b', shape: [1, 1], data: Float32Array.of(3) };
    await writeSafetensors(join(where, 'one'), [a, b], { format: 'pt', made: 'here' });
    await writeSafetensors(join(where, 'two'), [b, a], { format: 'pt', made: 'here' });
    expect(await readFile(join(where, 'one'))).toEqual(await readFile(join(where, 'two')));
    const entries = await readHeader(join(where, 'one'));
    expect(entries.get('a')!.offset % 8).toBe(0);
    expect(await readMetadata(join(where, 'one'))).toEqual({ format: 'pt', made: 'here' });
    expect((await readdir(where)).sort()).toEqual(['one', 'two']);
  });
});

describe('half precision', () => {
  const read = async (dtype: string, values: readonly number[]) => {
    const file = join(await folder(), 'half.safetensors');
    const bytes = new Uint8Array(Uint16Array.from(values).buffer);
    const header = { x: { dtype, shape: [values.length], data_offsets: [0, bytes.length] } };
    await writeFile(file, safetensorsBytes(header, bytes));
    return [...(await readFloats((await readHeader(file)).get('x')!))];
  };

  test('F16: subnormals, limits, signed zero, infinities', async () => {
    const cases: [half: number, value: number][] = [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -24],
      [0x83ff, -1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65_504],
      [0x7c00, Number.POSITIVE_INFINITY],
      [0xfc00, Number.NEGATIVE_INFINITY],
      [0x7e00, Number.NaN],
    ];
    const found = await read(
      'F16',
      cases.map(([half]) => half),
    );
    expect(found).toEqual(cases.map(([, value]) => value));
  });

  test('BF16: subnormals, limits, signed zero, infinities', async () => {
    const cases: [half: number, value: number][] = [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -133],
      [0x8080, -(2 ** -126)],
      [0x4049, 3.140625],
      [0xbf80, -1],
      [0x7f7f, (2 - 2 ** -7) * 2 ** 127],
      [0x7f80, Number.POSITIVE_INFINITY],
      [0xff80, Number.NEGATIVE_INFINITY],
      [0x7fc0, Number.NaN],
    ];
    const found = await read(
      'BF16',
      cases.map(([half]) => half),
    );
    expect(found).toEqual(cases.map(([, value]) => value));
  });

  test('other types are listed, but not read as floats', async () => {
    const file = join(await folder(), 'ids.safetensors');
    const header = { ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } };
    await writeFile(file, safetensorsBytes(header, new Uint8Array(8)));
    const entry = (await readHeader(file)).get('ids')!;
    expect(await failureOf(() => readFloats(entry))).toEqual({
      code: 'CHECKPOINT',
      message: `${file}: tensor "ids" is I64; expected F32, F16 or BF16.`,
    });
  });
});

describe('damage', () => {
  const advice = 'The file is truncated or damaged; download or write it again.';
  const sentenceOf = async (content: Uint8Array) => {
    const file = join(await folder(), 'm.safetensors');
    await writeFile(file, content);
    const { code, message } = await failureOf(() => readHeader(file));
    expect(code).toBe('CHECKPOINT');
    expect(message.startsWith(`${file}: `)).toBe(true);
    expect(message.endsWith(advice)).toBe(true);
    return message.slice(file.length + 2, -advice.length - 1);
  };
  const entry = (changes: object) => ({ x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...changes } });

  test('no file', async () => {
    const file = join(await folder(), 'm.safetensors');
    const { code, message } = await failureOf(() => readHeader(file));
    expect(code).toBe('CHECKPOINT');
    expect(message).toContain(`${file} does not exist.`);
  });

  test('a Git LFS pointer, a folder', async () => {
    const file = join(await folder(), 'm.safetensors');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 538090408\n`;
    await writeFile(file, pointer);
    expect((await failureOf(() => readHeader(file))).message).toContain('is a Git LFS pointer');
    expect((await failureOf(() => readHeader(join(file, '..')))).message).toContain(
      'is a folder; a file was expected.',
    );
  });

  test('cut anywhere', async () => {
    const file = join(await folder(), 'whole');
    await writeSafetensors(file, [{ name: 'x', shape: [2], data: Float32Array.of(1, 2) }]);
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length++) await sentenceOf(whole.subarray(0, length));
    expect(await sentenceOf(whole.subarray(0, 5))).toBe('holds 5 bytes, too few for a header.');
    expect(await sentenceOf(whole.subarray(0, 20))).toMatch(/^announces a header of \d+ bytes but holds 20\.$/);
    expect(await sentenceOf(whole.subarray(0, -1))).toBe(
      `tensor "x" ends at byte ${whole.length} of ${whole.length - 1}.`,
    );
  });

  test('a header longer than any file has', async () => {
    const prefix = Buffer.alloc(16, 0xff);
    expect(await sentenceOf(prefix)).toMatch(/^announces a header of \d+ bytes but holds 16\.$/);
  });

  test.each([
    ['{"x": ', /^its header is not JSON \(.+\)\.$/],
    ['null', 'its header is not an object.'],
    ['[1]', 'its header is not an object.'],
    [{ x: 7 }, 'tensor "x" has a malformed header entry.'],
    [{ x: { dtype: 'F32', shape: [2] } }, 'tensor "x" has a malformed header entry.'],
    [entry({ shape: [-2] }), 'tensor "x" has a malformed header entry.'],
    [entry({ shape: [3] }), 'tensor "x" of F32 [3] does not fill its 8 bytes.'],
    [entry({ dtype: 'BF16' }), 'tensor "x" of BF16 [2] does not fill its 8 bytes.'],
    [
      { ...entry({}), y: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } },
      /^tensor "y" overlaps the one before it /,
    ],
    [{ ...entry({}), y: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, /overlaps the one before it /],
    [entry({ shape: [1], data_offsets: [4, 8] }), /^tensor "x" leaves a hole before it /],
    [entry({ shape: [1], data_offsets: [0, 4] }), /^its tensors end at byte \d+ of \d+\.$/],
    [entry({ dtype: 'F8_E4M3', data_offsets: [8, 0] }), 'tensor "x" ends before it begins.'],
  ])('a header of %j', async (header, sentence) => {
    const found = await sentenceOf(safetensorsBytes(header, new Uint8Array(8)));
    if (typeof sentence === 'string') expect(found).toBe(sentence);
    else expect(found).toMatch(sentence);
  });
});
