/** Importer of tables: a product's own CSV or JSON Lines, whose columns have other names than a record's fields. */

import { IdiolectError } from '../common/errors.ts';
import { setting } from '../common/wording.ts';
import { csvRows, LITERAL_QUOTES, type Quote, separatorOf } from './csv.ts';
import { conversationHint } from './import-command.ts';
import { type ReadOptions, readJsonLines } from './jsonl.ts';
import { type HistoryRecord, type Parsed, parseRecord, shown } from './record.ts';
import { normaliseTime } from './time.ts';
import { TimeColumns } from './time-columns.ts';
import { type TimeFormat, timeIn } from './time-format.ts';

/** Fields of a record that a table may fill; the first three it must. */
export const TABLE_FIELDS = ['user', 'input', 'output', 'time', 'label'] as const;
export type TableField = (typeof TABLE_FIELDS)[number];
export const REQUIRED_FIELDS = ['user', 'input', 'output'] as const satisfies readonly TableField[];

/**
 * Which column each field is read from. A field that is left out is read from the column of its own name; `time` and
 * `label` may have none. An empty name for `input` says that nothing was asked: every input is empty.
 */
export type TableColumns = Readonly<Partial<Record<TableField, string>>>;

export interface TableOptions extends ReadOptions {
  columns?: TableColumns;
  /** How times are written. Default: ISO 8601 or Unix seconds. */
  timeFormat?: TimeFormat | undefined;
  /** Whether cells of a CSV may be quoted. Default `double`. */
  quote?: Quote | undefined;
  /** Called once all is read, with one sentence for each thing a person should know about how the table was read. */
  onNote?: (message: string) => void;
}

const HINT = 'Name the right ones by `userField`, `inputField`, `outputField`, `timeField` and `labelField`.';

/**
 * Reads a table, plain or gzip, one row at a time. What begins with `{` is JSON Lines; all else is CSV with a header,
 * separated by whichever of comma, semicolon, tab and bar occurs most often in it. CSV cells may be quoted and span
 * lines (a line break in them becomes a line feed); empty cells of `time` and `label` count as absent.
 *
 * @throws IdiolectError DATA naming file, line and column: for a column that is not there, a row that is no record
 *   (unless `skipBad`), text that is not UTF-8 or not CSV, and a table without a single usable row.
 */
export async function* importTable(path: string, options: TableOptions = {}): AsyncGenerator<HistoryRecord> {
  const { columns = {}, timeFormat, quote } = options;
  const separator = await separatorOf(path, quote);
  if (separator !== null) {
    yield* importCsv(path, separator, options);
    return;
  }
  const times = timeColumns(columns);
  // JSON Lines may leave out what a line has none of, so a named column must only be there once.
  const seen = new Set<string>();
  const read = (value: unknown): Parsed<HistoryRecord> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return parseRecord(value);
    const found = new Map<string, unknown>(Object.entries(value));
    for (const [name, cell] of found) {
      seen.add(name);
      times.see(name, cell);
    }
    // Products number their users more often than they name them.
    const text = (one: unknown, field: TableField) => (field === 'user' && typeof one === 'number' ? String(one) : one);
    const parsed = recordOf((column, field) => text(found.get(column), field), columns, timeFormat);
    const hint = 'problem' in parsed ? conversationHint(value) : '';
    return 'problem' in parsed && hint !== '' ? { problem: `${parsed.problem} ${hint}` } : parsed;
  };
  const userColumn = columns.user ?? 'user';
  yield* readJsonLines(path, read, { ...options, isText: field => field === userColumn });
  requireColumns(path, [...seen], columns);
  for (const note of times.notes()) options.onNote?.(note);
}

function timeColumns(columns: TableColumns): TimeColumns {
  const others = TABLE_FIELDS.filter(field => field !== 'time').map(field => columns[field] ?? field);
  return new TimeColumns(columns.time ?? 'time', others);
}

/**
 * The names of a table's columns: a CSV's header, or the fields of the first JSON line.
 *
 * @throws IdiolectError DATA as `importTable` does
 */
export async function tableColumns(path: string, quote?: Quote): Promise<string[]> {
  const separator = await separatorOf(path, quote);
  if (separator !== null)
    for await (const { cells } of csvRows(path, separator, quote)) return cells.map(name => name.trim());
  const fields = (value: unknown): Parsed<string[]> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { value: Object.keys(value) }
      : { problem: 'not a JSON object. Each line must be one.' };
  for await (const names of readJsonLines(path, fields)) return names;
  throw new IdiolectError('DATA', `${path} has no rows: it is empty.`);
}

async function* importCsv(
  path: string,
  separator: string,
  { columns = {}, timeFormat, quote, skipBad = false, onSkip, onNote }: TableOptions,
): AsyncGenerator<HistoryRecord> {
  let header: string[] | undefined;
  const times = timeColumns(columns);
  let kept = 0;
  let skipped = 0;
  for await (const { line, cells } of csvRows(path, separator, quote)) {
    if (!header) {
      header = cells.map(name => name.trim());
      requireColumns(`${path}:${line}`, header, columns);
      continue;
    }
    for (const [index, name] of header.entries()) times.see(name, cells[index]);
    const swallowed = quote === 'none' ? null : swallowedRow(cells, header.length, separator);
    const parsed = swallowed ?? rowOf(header, cells, { columns, timeFormat, quote });
    if ('value' in parsed) {
      kept += 1;
      yield parsed.value;
      continue;
    }
    const message = `${path}:${line}: ${parsed.problem}`;
    if (!skipBad) throw new IdiolectError('DATA', message);
    skipped += 1;
    onSkip?.(message, skipped);
  }
  if (kept > 0) {
    for (const note of times.notes()) onNote?.(note);
    return;
  }
  const found = skipped > 0 ? `usable rows: all ${skipped} were left out as bad` : 'rows: there is only a header';
  throw new IdiolectError('DATA', `${path} has no ${found}.`);
}

/** @throws IdiolectError DATA for a column that is needed or named, and is not there or is there twice */
function requireColumns(place: string, found: readonly string[], columns: TableColumns): void {
  for (const field of TABLE_FIELDS) {
    const name = columns[field] ?? ((REQUIRED_FIELDS as readonly string[]).includes(field) ? field : undefined);
    if (name === undefined || (field === 'input' && name === '')) continue;
    if (!found.includes(name)) {
      const names = found.slice(0, 20).join(', ');
      throw new IdiolectError('DATA', `${place}: there is no column "${name}" (${field}); there are ${names}. ${HINT}`);
    }
    if (found.indexOf(name) !== found.lastIndexOf(name)) {
      throw new IdiolectError('DATA', `${place}: there are several columns "${name}". Rename all but one.`);
    }
  }
}

/**
 * The problem of a row one cell of which holds lines that look like rows: a quote was forgotten, and another person's
 * text would count as this one's. Commas of prose are followed by a space, those of a table seldom.
 */
function swallowedRow(cells: readonly string[], width: number, separator: string): { problem: string } | null {
  if (width < 2) return null;
  const pieces = (line: string) => {
    const parts = line.split(separator);
    return parts.slice(1).some(part => part.startsWith(' ')) ? 0 : parts.length;
  };
  for (const [index, cell] of cells.entries()) {
    if (!cell.includes('\n')) continue;
    const lines = cell.split('\n');
    const isWhole = lines.slice(1, -1).some(line => pieces(line) === width);
    const isCut = width > 2 && pieces(lines[0]!) === width - index && pieces(lines.at(-1)!) === index + 1;
    if (!isWhole && !isCut) continue;
    const why = 'a quote was probably forgotten. Close it; if the cell is right, give the table as JSON Lines';
    return { problem: `cell ${index + 1} holds lines that look like rows of their own: ${why}. ${LITERAL_QUOTES}` };
  }
  return null;
}

function rowOf(
  header: readonly string[],
  cells: readonly string[],
  { columns = {}, timeFormat, quote }: Pick<TableOptions, 'columns' | 'timeFormat' | 'quote'>,
): Parsed<HistoryRecord> {
  if (cells.length !== header.length) {
    const why =
      quote === 'none'
        ? 'With `quote` none no cell can hold the separator or a line break.'
        : 'A cell that holds the separator or a line break must be in double quotes.';
    return { problem: `found ${cells.length} cells where the header has ${header.length}. ${why}` };
  }
  const timeColumn = columns.time ?? 'time';
  const time = (cells[header.indexOf(timeColumn)] ?? '').trim();
  if (timeFormat === undefined && /^\d{5,8}(\.\d+)?$/.test(time) && dayOf(time) === null) {
    const why = 'a number of 5 to 8 digits must be a day such as 20260501';
    return { problem: `"${timeColumn}" is "${time}"; ${why}. Write dates as 2026-05-01, or times as Unix seconds.` };
  }
  const read = (column: string, field: TableField) => {
    const cell = cells[header.indexOf(column)] ?? '';
    return field === 'time' && timeFormat !== undefined ? cell.trim() || undefined : cellValue(field, cell);
  };
  return recordOf(read, columns, timeFormat);
}

/** @param read the value of a field in the column of that name */
function recordOf(
  read: (column: string, field: TableField) => unknown,
  columns: TableColumns,
  timeFormat: TimeFormat | undefined,
): Parsed<HistoryRecord> {
  const columnOf = (field: TableField) => columns[field] ?? field;
  const fields: Partial<Record<TableField, unknown>> = {};
  for (const field of TABLE_FIELDS) {
    const isNone = field === 'input' && columnOf(field) === '';
    fields[field] = isNone ? '' : read(columnOf(field), field);
  }
  const { time } = fields;
  if (timeFormat !== undefined && time !== undefined && time !== null) {
    fields.time = typeof time === 'string' ? timeIn(timeFormat, time) : null;
    if (fields.time === null) {
      const expected = `${timeFormat}, with hh:mm or hh:mm:ss after it or without (${setting('timeFormat')})`;
      return { problem: `"${columnOf('time')}" is ${shown(time)}; it must be ${expected}.` };
    }
  }
  const parsed = parseRecord(fields);
  if ('value' in parsed) return parsed;
  // The problem names the record's field; whoever made the table knows the column.
  return { problem: parsed.problem.replace(/^"(\w+)"/, (_, field: TableField) => `"${columnOf(field)}"`) };
}

const TRUTH: Readonly<Record<string, boolean>> = { true: true, t: true, 1: true, false: false, f: false, 0: false };

function cellValue(field: TableField, cell: string): unknown {
  if (field !== 'time' && field !== 'label') return cell;
  const text = cell.trim();
  if (text === '') return undefined;
  if (field === 'label') return TRUTH[text.toLowerCase()] ?? cell;
  // Four digits are a year, eight a day, more are Unix seconds.
  return dayOf(text) ?? (/^\d{9,}(\.\d+)?$/.test(text) ? Number(text) : text);
}

/** YYYYMMDD as ISO 8601; null for anything else. */
function dayOf(text: string): string | null {
  const day = text.replace(/^((?:19|20)\d\d)(\d\d)(\d\d)$/, '$1-$2-$3');
  return day === text ? null : normaliseTime(day);
}
