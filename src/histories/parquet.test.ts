/** Parquet files that pyarrow wrote, row for row as pyarrow reads them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parquetMetadata } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect } from './collect.ts';
import { readParquet } from './parquet.ts';

const fixtures = fileURLToPath(new URL('../../tests/fixtures/longlamp/', import.meta.url));
const recorded: Record<string, string | object[]> = JSON.parse(
  gunzipSync(await readFile(join(fixtures, 'rows.json.gz'))).toString(),
);
const readable = Object.keys(recorded).filter(name => name.endsWith('.parquet') && name !== 'brotli.parquet');
const expected = (name: string) => {
  const rows = recorded[name]!;
  return typeof rows === 'string' ? recorded[rows] : rows;
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idiolect-parquet-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('readParquet', () => {
  it.each(readable)('%s', async name => {
    const rows = await collect(readParquet(join(fixtures, name)));
    // Inside lists and structs, what is not there may be undefined.
    const plain = JSON.parse(JSON.stringify(rows, (_, value) => value ?? null));
    expect(plain).toEqual(expected(name));
  });

  it('gives the first rows before it has read the last pages of their row group', async () => {
    const name = 'topic_writing_user/test-00000-of-00001.parquet';
    const bytes = await readFile(join(fixtures, name));
    const { row_groups } = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const { meta_data } = row_groups[1]!.columns.find(column => column.meta_data!.path_in_schema.at(-1) === 'content')!;
    const start = Number(meta_data!.dictionary_page_offset);
    const end = start + Number(meta_data!.total_compressed_size);
    bytes.fill(0xff, end - 40, end);
    const damaged = join(folder, 'damaged.parquet');
    await writeFile(damaged, bytes);
    const rows: object[] = [];
    const reading = (async () => {
      for await (const row of readParquet(damaged)) rows.push(row);
    })();
    await expect(reading).rejects.toThrow(`${damaged} is not a Parquet file that can be read`);
    const all = expected(name) as object[];
    expect(rows).toEqual(all.slice(0, rows.length));
    // The second row group has the rows 6 to 9: its first came, so it was not read whole.
    expect([row_groups[0]!.num_rows, rows.length > 5, rows.length < 9]).toEqual([5n, true, true]);
  });

  it('says what is wrong with a file', async () => {
    const whole = await readFile(join(fixtures, 'nested-snappy.parquet'));
    const cases: [string, Uint8Array, string][] = [
      ['short', whole.subarray(0, whole.length - 100), 'short.parquet is not a Parquet file that can be read'],
      ['text', Buffer.from('{"user": "ada"}\n'), 'text.parquet is not a Parquet file that can be read'],
      ['empty', Buffer.from(''), 'empty.parquet is not a Parquet file that can be read'],
    ];
    for (const [name, bytes, sentence] of cases) {
      const file = join(folder, `${name}.parquet`);
      await writeFile(file, bytes);
      await expect(collect(readParquet(file))).rejects.toMatchObject({
        code: 'DATA',
        message: expect.stringContaining(sentence),
      });
    }
    const brotli = join(fixtures, 'brotli.parquet');
    await expect(collect(readParquet(brotli))).rejects.toThrow('unsupported compression codec: BROTLI');
    await expect(collect(readParquet(join(folder, 'nowhere')))).rejects.toThrow('nowhere does not exist.');
    await expect(collect(readParquet(folder))).rejects.toThrow(`${folder} `);
  });
});
