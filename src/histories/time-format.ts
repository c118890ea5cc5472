/** Dates as people and spreadsheets write them: day and month in an order that the text alone does not always show. */
import { setting } from '../common/wording.ts';
import { normaliseTime } from './time.ts';

/** What `timeFormat` takes; each may be followed by hh:mm or hh:mm:ss. */
export const TIME_FORMATS = ['dd.mm.yyyy', 'dd/mm/yyyy', 'mm/dd/yyyy'] as const;
export type TimeFormat = (typeof TIME_FORMATS)[number];

const WRITTEN = /^(\d{1,2})([./])(\d{1,2})\2(\d{4})(?:,?[T ](\d{1,2}:\d{2}(?::\d{2})?))?$/;

/** A time written in this format as UTC ISO 8601 text, as `normaliseTime` gives it; null where it is none. */
export function timeIn(format: TimeFormat, text: string): string | null {
  const match = WRITTEN.exec(text.trim());
  if (!match || match[2] !== format[2]) return null;
  const [first, second] = [match[1]!.padStart(2, '0'), match[3]!.padStart(2, '0')];
  const [day, month] = format.startsWith('dd') ? [first, second] : [second, first];
  return normaliseTime(`${match[4]}-${month}-${day}${match[5] === undefined ? '' : ` ${match[5]}`}`);
}

/** Whether the text gives an hour; these formats have no zone to go with it. */
export function hasHour(text: string): boolean {
  return WRITTEN.exec(text.trim())?.[5] !== undefined;
}

/** The formats in which this text is a time. */
export function formatsOf(text: string): TimeFormat[] {
  return TIME_FORMATS.filter(format => timeIn(format, text) !== null);
}

/** What to do about a time that only a format makes readable; empty where none does. */
export function formatHint(value: unknown): string {
  const formats = typeof value === 'string' ? formatsOf(value) : [];
  if (formats.length === 0) return '';
  const flags = formats.map(format => `${setting('timeFormat')} ${format}`).join(' or ');
  const why = formats.length > 1 ? 'Day and month cannot be distinguished here. ' : '';
  return `${why}Import the table with ${flags}.`;
}
