/**
 * The rows of a Parquet file, read page by page: what is held is one page of each column and the row at hand, never a
 * row group, which may be gigabytes. Why so, and the library beneath: docs/decisions/0008-parquet.md.
 */
import type { FileHandle } from 'node:fs/promises';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type ColumnMetaData, type Compressors, parquetMetadataAsync, parquetSchema, type SchemaTree } from 'hyparquet';
import { assembleLists, assembleNested } from 'hyparquet/src/assemble.js';
import { parquetHeader } from 'hyparquet/src/column.js';
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getTreePath } from 'hyparquet/src/schema.js';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { openInput, refuseLfsPointer } from '../common/input-file.ts';

/** Snappy and no compression are the library's own. */
const COMPRESSORS: Compressors = { GZIP: bytes => gunzipSync(bytes), ZSTD: bytes => zstdDecompressSync(bytes) };

/** A page header's length is given nowhere: this many bytes are tried first (it may hold two texts as bounds). */
const HEADER = 4096;

type Decoder = Parameters<typeof readDataPage>[2];

/** Levels and values of a leaf column in Dremel's encoding: `values` has an entry for each full definition level. */
interface Levels {
  repetition: number[];
  definition: number[];
  values: ArrayLike<unknown>;
}

/** A number where that holds all digits. */
function exactNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** The whole number beneath a decimal: of 32 or 64 bits, or big-endian bytes in two's complement. */
type Unscaled = number | bigint | Uint8Array;

function decimalText(unscaled: Unscaled, scale: number): string {
  const whole =
    unscaled instanceof Uint8Array
      ? BigInt.asIntN(8 * unscaled.length, BigInt(`0x${Buffer.from(unscaled).toString('hex') || '0'}`))
      : BigInt(unscaled);
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${whole < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}

/**
 * Yields each row as an object by column name: lists as arrays, structs as objects, 64-bit integers as numbers (as text
 * where a number cannot hold all their digits), decimals as text, nothing there as null (inside lists and structs also
 * as undefined). Reads pages of either version, plain or dictionary-encoded, uncompressed or by Snappy, Zstandard or
 * gzip.
 *
 * @throws IdiolectError DATA where the file is missing, no Parquet file, cut short, damaged, or of another compression.
 */
export async function* readParquet(path: string): AsyncGenerator<Record<string, unknown>> {
  const file = await openInput(path);
  try {
    const { size } = await file.stat();
    refuseLfsPointer(path, await readAt(file, 0, Math.min(size, 64)));
    const metadata = await parquetMetadataAsync({
      byteLength: size,
      slice: async (start, end = size) => (await readAt(file, start, end - start)).buffer,
    });
    const schema = parquetSchema(metadata);
    for (const { columns: chunks, num_rows } of metadata.row_groups) {
      const leaves = chunks.map(({ meta_data }) => {
        if (!meta_data) throw new Error('a column chunk has no metadata');
        return new LeafColumn(file, meta_data, getTreePath(schema, meta_data.path_in_schema));
      });
      for (let row = 0; row < Number(num_rows); row++) {
        const read = new Map<string, unknown[]>();
        for (const leaf of leaves) read.set(leaf.name, await leaf.nextRow());
        yield Object.fromEntries(schema.children.map(child => [child.element.name, assembled(read, child)]));
      }
    }
  } catch (error) {
    if (error instanceof IdiolectError) throw error;
    const what = `is not a Parquet file that can be read: damaged, cut short, or of an unknown kind`;
    throw new IdiolectError('DATA', `${path} ${what} (${reasonOf(error)}).`, { cause: error });
  } finally {
    await file.close();
  }
}

/** The value of a top-level column from those of its leaves, which hold one row each. */
function assembled(read: Map<string, unknown[]>, column: SchemaTree): unknown {
  if (column.children.length > 0) assembleNested(read, column, DEFAULT_PARSERS);
  return read.get(column.element.name)?.[0] ?? null;
}

/** Walks through the pages of one leaf column in one row group. */
class LeafColumn {
  readonly name: string;
  readonly #file: FileHandle;
  readonly #decoder: Decoder;
  /** Digits after the point of a column of decimals; undefined for another. */
  readonly #scale: number | undefined;
  readonly #maxRepetition: number;
  readonly #maxDefinition: number;
  /** Where the next page starts, and where the column chunk ends, in the file. */
  #offset: number;
  readonly #end: number;
  #dictionary: ReturnType<typeof convert> | undefined;
  #page: Levels = { repetition: [], definition: [], values: [] };
  /** The levels of the page already given, and the values. */
  #level = 0;
  #value = 0;

  constructor(file: FileHandle, chunk: ColumnMetaData, schemaPath: SchemaTree[]) {
    const { codec, type, path_in_schema, dictionary_page_offset, data_page_offset, total_compressed_size } = chunk;
    this.#file = file;
    this.name = path_in_schema.join('.');
    const { element } = schemaPath.at(-1)!;
    const shared = { parsers: DEFAULT_PARSERS, compressors: COMPRESSORS };
    // The library makes doubles of decimals; without their type it hands over the whole numbers beneath.
    const isDecimal = element.converted_type === 'DECIMAL';
    this.#scale = isDecimal ? (element.scale ?? 0) : undefined;
    const { converted_type: _, logical_type: __, ...raw } = element;
    const read = isDecimal ? raw : element;
    this.#decoder = {
      pathInSchema: path_in_schema,
      schemaPath,
      type,
      element: read,
      utf8: !isDecimal,
      codec,
      ...shared,
    };
    this.#maxRepetition = getMaxRepetitionLevel(schemaPath);
    this.#maxDefinition = getMaxDefinitionLevel(schemaPath);
    // Some writers give 0, or a later offset, where there is no dictionary.
    const dictionary = Number(dictionary_page_offset ?? 0);
    const data = Number(data_page_offset);
    this.#offset = dictionary > 0 && dictionary < data ? dictionary : data;
    this.#end = this.#offset + Number(total_compressed_size);
  }

  /** The next row as a list of one: the value itself, or nested lists for `assembleNested` to finish. */
  async nextRow(): Promise<unknown[]> {
    const row: { repetition: number[]; definition: number[]; values: unknown[] } = {
      repetition: [],
      definition: [],
      values: [],
    };
    // A row starts at repetition level 0 and extends, over the end of a page if need be, to the next level 0.
    for (let started = false; ; started = true) {
      if (this.#level === this.#page.definition.length && !(await this.#nextPage())) {
        if (started) break;
        throw new Error(`the column "${this.name}" has fewer rows than its row group`);
      }
      const { repetition, definition, values } = this.#page;
      const start = this.#level;
      let end = started ? start : start + 1;
      while (this.#maxRepetition > 0 && end < definition.length && repetition[end] !== 0) end++;
      for (let i = start; i < end; i++) {
        row.definition.push(definition[i]!);
        if (this.#maxRepetition > 0) row.repetition.push(repetition[i]!);
        if (definition[i] === this.#maxDefinition) row.values.push(values[this.#value++]);
      }
      this.#level = end;
      if (this.#maxRepetition === 0 || end < definition.length) break;
    }
    const { schemaPath } = this.#decoder;
    return assembleLists([], row.definition, row.repetition, row.values, schemaPath) as unknown[];
  }

  /** Reads the next data page, and the dictionary before it; false where the column chunk ends. */
  async #nextPage(): Promise<boolean> {
    while (this.#offset < this.#end) {
      const { header, length } = await this.#header();
      const size = header.compressed_page_size;
      if (this.#offset + length + size > this.#end)
        throw new Error(`a page of "${this.name}" is longer than its column`);
      const bytes = await readAt(this.#file, this.#offset + length, size);
      this.#offset += length + size;
      const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
      const uncompressed = () => decompressPage(bytes, header.uncompressed_page_size, this.#decoder.codec, COMPRESSORS);
      if (header.type === 'DICTIONARY_PAGE' && dictionary) {
        const page = uncompressed();
        const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
        const { type, element } = this.#decoder;
        this.#dictionary = convert(readPlain(reader, type, dictionary.num_values, element.type_length), this.#decoder);
      } else if (header.type === 'DATA_PAGE' && v1) {
        this.#setPage(readDataPage(uncompressed(), v1, this.#decoder), v1);
      } else if (header.type === 'DATA_PAGE_V2' && v2) {
        this.#setPage(readDataPageV2(bytes, header, this.#decoder), v2);
      }
      // An index page is passed over. So is an empty data page, which leaves nothing to give.
      if (this.#level < this.#page.definition.length) return true;
    }
    return false;
  }

  #setPage(
    { repetitionLevels, definitionLevels, dataPage }: ReturnType<typeof readDataPage>,
    { num_values, encoding }: { num_values: number; encoding: Parameters<typeof convertWithDictionary>[2] },
  ): void {
    const read = convertWithDictionary(dataPage, this.#dictionary, encoding, this.#decoder) as ArrayLike<unknown>;
    const scale = this.#scale;
    const values =
      scale === undefined ? read : Array.from(read as ArrayLike<Unscaled>, value => decimalText(value, scale));
    this.#page = {
      repetition: repetitionLevels,
      // The library leaves them out where every value is there.
      definition: definitionLevels?.length ? definitionLevels : new Array(num_values).fill(this.#maxDefinition),
      values: typeof values[0] === 'bigint' ? Array.from(values as ArrayLike<bigint>, exactNumber) : values,
    };
    this.#level = 0;
    this.#value = 0;
  }

  async #header() {
    for (let size = HEADER; ; size *= 4) {
      const bytes = await readAt(this.#file, this.#offset, Math.min(size, this.#end - this.#offset));
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      try {
        return { header: parquetHeader(reader), length: reader.offset };
      } catch (error) {
        if (this.#offset + size >= this.#end) throw error; // there is no more of it
      }
    }
  }
}

/** Bytes in memory of their own: the library reads past views into their buffer. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new Error('the file ends early');
    filled += bytesRead;
  }
  return bytes;
}
