/** JSON whose numbers keep their digits. */

/**
 * As JSON.parse, except that a whole number too large for a double to hold exactly is returned as the text it was
 * written as: user ids 1234567890123456789 and 1234567890123456790 would otherwise be one user.
 *
 * @param isText whether the numbers of a field are used as text, in which case any number is returned as it was
 *   written where its digits would change: 1.10 is not 1.1 then
 * @throws SyntaxError as JSON.parse does
 */
export function parseJson(text: string, isText: (field: string) => boolean = () => false): unknown {
  // A reviver makes parsing several times slower, so only texts that may need one get it.
  if (!/\d{16}|[:[,]\s*-?\d+[.eE]/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (field: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    const source = context?.source ?? String(value);
    if (isText(field)) return source === String(value) ? value : source;
    return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
  });
}
