/** The streaming JSON reader against JSON.parse, with the text broken into pieces anywhere. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../common/json.ts';
import { collect } from './collect.ts';
import { type JsonItem, jsonItems } from './json-stream.ts';

async function* inPieces(text: string, ends: number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const end of [...ends.map(end => end % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, end);
    from = end;
  }
}
const read = (text: string, ends: number[] = []): Promise<JsonItem[]> =>
  collect(jsonItems(inPieces(text, ends), 'file.json'));

const listItems = (key: string | null, list: unknown[]): JsonItem[] =>
  list.map((value, index) => ({ key, index, value }));
const expected = (value: object): JsonItem[] =>
  Array.isArray(value)
    ? listItems(null, value)
    : Object.entries(value).flatMap(([key, member]): JsonItem[] =>
        Array.isArray(member) ? listItems(key, member) : [{ key, index: null, value: member }],
      );

describe('jsonItems', () => {
  // Through JSON once, since -0 and lone surrogates' spelling are not kept by it.
  const anyJson = fc.jsonValue({ stringUnit: 'binary' });
  const document = fc
    .oneof(fc.array(anyJson), fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(anyJson, fc.array(anyJson))))
    .map(value => JSON.parse(JSON.stringify(value)) as object);

  test('gives the elements that parsing the whole text gives, however the file arrives', async () => {
    const ends = fc.array(fc.nat(2000), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(document, ends, fc.constantFrom(undefined, 1, '\t'), async (value, at, space) => {
        expect(await read(JSON.stringify(value, null, space), at)).toEqual(
          expected(parseJson(JSON.stringify(value)) as object),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('at every single boundary of a text full of traps', async () => {
    const text = '\ufeff [ "a]\\"[,{\\\\" , {"k}":["\\u005d",[]],"é😀":null} , [[],[{}]] , -1.5e3,"" ]\n';
    const whole = expected(JSON.parse(text.slice(1)));
    const size = Buffer.byteLength(text);
    for (let at = 0; at <= size; at++) expect(await read(text, [at])).toEqual(whole);
    expect(await read(text, [...Array(size).keys()])).toEqual(whole);
  });

  test.each([
    ['', 'file.json is empty.'],
    [' \n', 'file.json is empty.'],
    ['"text"', 'is not a JSON list or object.'],
    ['[1, 2', 'is cut short in element 2. Copy it again.'],
    ['[1, {"a": "b', 'is cut short in element 2.'],
    ['{"golds": [1', 'is cut short in element 1 of "golds".'],
    ['{"golds": [1]', 'is cut short after "golds".'],
    ['{"a"', 'is cut short in member 1.'],
    ['[1,]', 'unexpected "]" in element 2.'],
    ['[,1]', 'unexpected "," in element 1.'],
    ['[1}', 'unexpected "}" in element 1.'],
    ['[1 2]', 'is not valid JSON in element 1 ('],
    ['[1] 2', 'more text follows its end.'],
    ['[1][2]', 'more text follows its end.'],
    ['{"a": }', 'unexpected "}" in "a".'],
    ['{"a": [1] 2}', 'unexpected "}" after the list "a".'],
    ['{a: 1}', 'is not valid JSON in member 1 ('],
  ])('refuses %j', async (text, sentence) => {
    await expect(read(text)).rejects.toThrow(sentence);
  });

  test('closes its source when the reader stops early', async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield Buffer.from('[1,2,3,');
      } finally {
        closed = true;
      }
    }
    for await (const item of jsonItems(source(), 'file.json')) {
      expect(item.value).toBe(1);
      break;
    }
    expect(closed).toBe(true);
  });
});
