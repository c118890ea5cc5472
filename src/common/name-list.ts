/**
 * Lists of names: as a person types them, `ada,bob`, with `"Doe, Jane",bob` where a name holds a comma; or a JSON list of
 * a configuration file.
 */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { IdiolectError } from './errors.ts';
import { setting } from './wording.ts';

const EXPECTED = 'expected names separated by commas in one text, or a list of texts';

/** A setting that takes names. A list becomes the text a person would type for it: every name in double quotes. */
export const nameListSchema = z.union([z.string(), z.array(z.string()).min(1).transform(listOf)], { error: EXPECTED });

function listOf(names: readonly string[]): string {
  return names.map(name => `"${name.replaceAll('"', '""')}"`).join(',');
}

/**
 * The known name that a person means: the same text, or the same letters in another Unicode form, as some terminals and
 * file systems write them.
 */
export function knownName(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return name;
  const alike = known.filter(one => one.normalize() === name.normalize());
  return alike.length === 1 ? alike[0] : undefined;
}

/**
 * The names of a list, separated by commas. A name that has a comma or a quote in it is put in double quotes, and a
 * quote inside those is doubled (as in CSV). A list that is itself one of the known names is that name. Known names are
 * given as they are known, other names as they were written.
 *
 * @param key the setting the list was given by, for the error
 * @throws IdiolectError CONFIG where a quote is not closed or a name is empty
 */
export function namesOf(list: string, known: readonly string[], key: string): string[] {
  const only = knownName(list, known);
  if (only !== undefined) return [only];
  const example = `Write ${setting(key)} ada,bob, with double quotes around a name that holds a comma: '"Doe, Jane",bob'.`;
  let rows: string[][];
  try {
    rows = parse(list, { trim: true, relax_column_count: true });
  } catch (error) {
    throw new IdiolectError('CONFIG', `${setting(key)} is not a list of names: a quote is out of place. ${example}`, {
      cause: error,
    });
  }
  const names = rows.flat();
  if (names.length > 0 && names.every(name => name !== '')) return names.map(name => knownName(name, known) ?? name);
  throw new IdiolectError('CONFIG', `${setting(key)} has an empty name. ${example}`);
}
