/** CSV as rows of cells: what separates them, where each row begins, and what is wrong with a file. */
import { pipeline, Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { readLines } from './lines.ts';

/** `none` takes every quote for a part of the text; cells then hold neither separators nor line breaks. */
export const QUOTES = ['double', 'none'] as const;
export type Quote = (typeof QUOTES)[number];

/** Said where quotes are what is wrong. */
export const LITERAL_QUOTES = 'If quotes are part of the text, as often in TSV, give `quote` none.';

/** Longest row in characters: beyond it a quote was surely left open, and the rest of the file is no field. */
const LONGEST_ROW = 16_000_000;

/** The first line by which Excel learns the separator; it is no header. */
const SEPARATOR_LINE = /^\ufeff?sep=(.)\r*$/i;

/** Text goes to the parser this many characters at a time: line by line is several times slower. */
const PIECE = 1 << 16;

/**
 * Whether a file would be read as CSV; else as JSON Lines.
 *
 * @throws IdiolectError DATA for a file that is neither, or empty
 */
export async function isCsv(path: string): Promise<boolean> {
  return (await separatorOf(path)) !== null;
}

/** What separates the cells; null for JSON Lines. */
export async function separatorOf(path: string, quote: Quote = 'double'): Promise<string | null> {
  for await (const { text, utf16, number } of readLines(path)) {
    if (text === null) throw notUtf8(path, number, utf16);
    const named = SEPARATOR_LINE.exec(text)?.[1];
    if (number === 1 && named !== undefined) return named;
    const start = text.trimStart()[0];
    if (start === undefined) continue;
    if (start === '{') return null;
    if (start === '[') {
      throw new IdiolectError('DATA', `${path} is a JSON list, not JSON Lines or CSV. Write one object a line.`);
    }
    const unquoted = quote === 'none' ? text : text.replace(/"[^"]*"/g, '');
    const count = (separator: string) => unquoted.split(separator).length;
    return [',', ';', '\t', '|'].reduce((best, next) => (count(next) > count(best) ? next : best));
  }
  throw new IdiolectError('DATA', `${path} has no rows: it is empty.`);
}

interface CsvRow {
  /** Where the row begins, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The rows that are not blank, the header among them. */
export async function* csvRows(path: string, separator: string, quote: Quote = 'double'): AsyncGenerator<CsvRow> {
  const parser = parse({
    delimiter: separator,
    quote: quote === 'double' ? '"' : false,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    info: true,
    max_record_size: LONGEST_ROW,
  });
  // pipeline() carries an error of either side to the loop below, and closes the file when the loop ends early.
  pipeline(Readable.from(csvText(path)), parser, () => {});
  try {
    for await (const { record: cells, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      const inside = cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
      yield { line: info.lines - inside, cells };
    }
  } catch (error) {
    throw csvProblem(path, error);
  }
}

/** The text with line feeds alone, so that the parser's count of lines is an editor's. */
async function* csvText(path: string): AsyncGenerator<string> {
  let piece = '';
  for await (const { text, utf16, number } of readLines(path)) {
    if (text === null) throw notUtf8(path, number, utf16);
    if (text.includes('\0')) {
      throw new IdiolectError(
        'DATA',
        `${path}:${number}: there is a NUL character, which no text has. Export it again.`,
      );
    }
    if (number === 1 && SEPARATOR_LINE.test(text)) {
      piece += '\n'; // lines keep their numbers
      continue;
    }
    let end = text.length;
    while (text[end - 1] === '\r') end -= 1;
    piece += `${text.slice(0, end)}\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function notUtf8(path: string, line: number, utf16: boolean): IdiolectError {
  const guess = utf16 ? ' (it looks like UTF-16)' : '';
  return new IdiolectError('DATA', `${path}:${line}: not valid UTF-8${guess}. Save the file as UTF-8.`);
}

function csvProblem(path: string, error: unknown): unknown {
  if (error instanceof IdiolectError || !(error instanceof Error) || !('code' in error)) return error;
  const { code, lines } = error as CsvError & { lines?: number };
  const say = (sentence: string) =>
    new IdiolectError('DATA', `${path}${lines === undefined ? '' : `:${lines}`}: ${sentence}`, { cause: error });
  const double = `A quote inside a cell is written twice, and the cell is in quotes: "say ""hello""". ${LITERAL_QUOTES}`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return say(`the file ends inside a quoted cell. ${double}`);
  if (code === 'CSV_MAX_RECORD_SIZE') return say(`a row is longer than any text: a quote was left open. ${double}`);
  if (/QUOTE/.test(code)) return say(`a quotation mark is in a place where CSV allows none. ${double}`);
  return say(`not CSV (${reasonOf(error)}).`);
}
