/** What a person should know about the times of a table: a column of times that is not read, times without a zone. */
import { setting } from '../common/wording.ts';
import { hasHourWithoutZone, normaliseTime } from './time.ts';
import { formatsOf, hasHour } from './time-format.ts';

/** What products call columns of times; `createdAt` and `Created At` count as `created_at`. */
const TIME_NAME =
  /(^|_)(date|datetime|timestamp)$|^(time|(created|updated|posted|published|sent|written)(_(at|on|utc|time))?)$/;

export function isTimeName(name: string): boolean {
  return TIME_NAME.test(
    name
      .trim()
      .replace(/([a-z])([A-Z])/g, '$1_$2')
      .replace(/[\s-]+/g, '_')
      .toLowerCase(),
  );
}

/** Plain numbers count as none: most of them are something else. */
function isTimeCell(cell: unknown): boolean {
  if (typeof cell !== 'string') return false;
  return (/^\s*\d{4}-\d{2}-\d{2}/.test(cell) && normaliseTime(cell) !== null) || formatsOf(cell).length > 0;
}

/** Cells of a column that are looked at; one that begins with this many times is a column of times. */
const CELLS = 100;

export class TimeColumns {
  readonly #timeColumn: string;
  readonly #used: ReadonlySet<string>;
  /** Of the columns that are not read: how many cells were seen; NaN once one was no time. */
  readonly #cells = new Map<string, number>();
  #hasTimes = false;
  #zoneless: string | undefined;

  /** @param used the columns that are read for other fields */
  constructor(timeColumn: string, used: Iterable<string>) {
    this.#timeColumn = timeColumn;
    this.#used = new Set(used);
  }

  /** Takes in a cell. */
  see(column: string, cell: unknown): void {
    if (column === this.#timeColumn) {
      this.#hasTimes = true;
      if (this.#zoneless === undefined && typeof cell === 'string' && (hasHourWithoutZone(cell) || hasHour(cell)))
        this.#zoneless = cell.trim();
      return;
    }
    if (this.#used.has(column)) return;
    const count = this.#cells.get(column) ?? 0;
    const isBlank = cell === undefined || cell === null || (typeof cell === 'string' && cell.trim() === '');
    if (isBlank || Number.isNaN(count) || count >= CELLS) this.#cells.set(column, count);
    else this.#cells.set(column, isTimeCell(cell) ? count + 1 : Number.NaN);
  }

  /** One sentence each. */
  notes(): string[] {
    const notes = [];
    if (this.#zoneless !== undefined) {
      notes.push(`times without a zone, such as "${this.#zoneless}", are read as UTC.`);
    }
    if (this.#hasTimes) return notes;
    const found = [...this.#cells].flatMap(([name, count]) => (isTimeName(name) || count > 0 ? [name] : []));
    if (found.length === 0) return notes;
    const names = found.map(name => `"${name}"`).join(', ');
    const otherwise = "Without times, a user's latest texts are the last rows of the table.";
    notes.push(
      found.length === 1
        ? `the column ${names} looks like times, and is not read. Give ${setting('timeField')} '${found[0]}' to read it. ${otherwise}`
        : `the columns ${names} look like times, and none is read. Give ${setting('timeField')} with the one to read. ${otherwise}`,
    );
    return notes;
  }
}
