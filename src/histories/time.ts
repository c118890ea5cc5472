/** One way to write a moment: whatever a record says becomes UTC ISO 8601 text, whose text order is its time order. */

const ISO =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?)?)?$/i;

/** Unix seconds above this are past the year 5138: in practice milliseconds by mistake. */
const LARGEST_SECONDS = 1e11;

/**
 * A time as `YYYY-MM-DDTHH:MM:SS.sssZ`, or null where it is none.
 *
 * Accepted: ISO 8601 year, year-month, date, or date and time (separated by `T` or a space; a fraction and a zone are
 * optional), or a number of Unix seconds. What carries no zone is read as UTC, never as this machine's local time, so
 * that a split is the same on every machine. A date alone is its first instant. Days that do not exist (30 February)
 * and years outside 0000 to 9999 are refused, as are numbers that are a year or a day by mistake (2024, 20240501).
 */
export function normaliseTime(value: string | number): string | null {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || Math.abs(value) > LARGEST_SECONDS || isCalendar(value)) return null;
    return isoOf(Math.round(value * 1000));
  }
  const match = ISO.exec(value.trim());
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2] ?? 1), Number(match[3] ?? 1)];
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return null;
  const millisecond = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would read the years 0 to 99 as 1900 to 1999
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  date.setUTCHours(hour, minute, second, millisecond);
  const offset = offsetMinutes(match[8]);
  return offset === null ? null : isoOf(date.getTime() - offset * 60_000);
}

/** Whether a text is a time with an hour that says nothing of its zone, and so is read as UTC. */
export function hasHourWithoutZone(text: string): boolean {
  const match = ISO.exec(text.trim());
  return match?.[4] !== undefined && match[8] === undefined;
}

/** As seconds these would be the first hour of 1970 and some days of August 1970. */
function isCalendar(value: number): boolean {
  if (value >= 1900 && value < 2100 && Number.isInteger(value)) return true;
  const day = /^((?:19|20)\d\d)(\d\d)(\d\d)$/.exec(String(value));
  return day !== null && normaliseTime(`${day[1]}-${day[2]}-${day[3]}`) !== null;
}

/** Null for an offset that no place on Earth has: they reach from -12:00 to +14:00. */
function offsetMinutes(zone: string | undefined): number | null {
  if (!zone || /^[a-z]/i.test(zone)) return 0;
  const digits = zone.slice(1).replace(':', '');
  const past = Number(digits.slice(2) || '0');
  const minutes = (Number(digits.slice(0, 2)) * 60 + past) * (zone.startsWith('-') ? -1 : 1);
  return past > 59 || minutes < -12 * 60 || minutes > 14 * 60 ? null : minutes;
}

function isoOf(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return null;
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toISOString() : null;
}
