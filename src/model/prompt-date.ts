/** The date that chat templates take as today: the same in training, scoring and generating, whenever they run. */
import { z } from 'zod';

/** Where none is asked for. The date Llama 3's templates print where they are given none. */
export const DEFAULT_PROMPT_DATE = '2024-07-26';

export const promptDateSchema = z.iso.date({ error: 'expected a day as YYYY-MM-DD' });

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/**
 * A day in Python's strftime notation, in English, at midnight.
 *
 * @param date YYYY-MM-DD
 * @throws Error for a directive that is not known
 */
export function formatDate(date: string, format: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  const [year, month, dayOfMonth] = [day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()];
  const dayOfYear = (day.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 + 1;
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const parts: Record<string, string> = {
    Y: pad(year, 4),
    y: pad(year % 100),
    m: pad(month + 1),
    d: pad(dayOfMonth),
    e: String(dayOfMonth).padStart(2),
    j: pad(dayOfYear, 3),
    B: MONTHS[month]!,
    b: MONTHS[month]!.slice(0, 3),
    h: MONTHS[month]!.slice(0, 3),
    A: DAYS[day.getUTCDay()]!,
    a: DAYS[day.getUTCDay()]!.slice(0, 3),
    F: date,
    H: '00',
    I: '12',
    M: '00',
    S: '00',
    p: 'AM',
    T: '00:00:00',
    Z: '',
    z: '',
    '%': '%',
  };
  return format.replace(/%(-?)(.)/gs, (directive, unpadded, letter) => {
    const text = parts[letter];
    if (text === undefined) throw new Error(`strftime_now knows no ${directive}`);
    return unpadded ? text.replace(/^0(?=.)/, '') : text;
  });
}
