/** Lists of names as a person types them: `ada,bob`, and `"Doe, Jane",bob` where a name holds a comma. */
import { parse } from 'csv-parse/sync';
import { IdiolectError } from './errors.ts';

/**
 * The names of a list, separated by commas. A name with a comma or a quote in it stands in double quotes, a quote
 * inside those is doubled (as in CSV). A list that is itself one of the known names is that name.
 *
 * @param flag the setting the list was given by, for the error
 * @throws IdiolectError CONFIG where a quote is not closed or a name is empty
 */
export function namesOf(list: string, known: readonly string[], flag: string): string[] {
  if (known.includes(list)) return [list];
  const example = `Write ${flag} ada,bob, with double quotes around a name that holds a comma: '"Doe, Jane",bob'.`;
  let rows: string[][];
  try {
    rows = parse(list, { trim: true, relax_column_count: true });
  } catch (error) {
    throw new IdiolectError('CONFIG', `${flag} is not a list of names: a quote is out of place. ${example}`, {
      cause: error,
    });
  }
  const names = rows.flat();
  if (names.length > 0 && names.every(name => name !== '')) return names;
  throw new IdiolectError('CONFIG', `${flag} has an empty name. ${example}`);
}
