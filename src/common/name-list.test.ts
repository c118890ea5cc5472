/** Lists of names: commas separate, double quotes hold a name together. */
import { describe, expect, it } from 'vitest';
import { nameListSchema, namesOf } from './name-list.ts';

describe('namesOf', () => {
  it.each([
    ['ada', ['ada']],
    ['ada, bob', ['ada', 'bob']],
    ['"Doe, Jane",bob', ['Doe, Jane', 'bob']],
    ['"a ""b"", c", d', ['a "b", c', 'd']],
    ['Doe, John', ['Doe, John']],
    ['first "quoted" one', ['first "quoted" one']],
    [' Ann ', ['Ann']],
  ])('%s', (list, names) => {
    expect(namesOf(list, ['Doe, John', 'first "quoted" one'], '--users')).toEqual(names);
  });

  const [composed, decomposed] = ['Jürgen'.normalize('NFC'), 'Jürgen'.normalize('NFD')];
  it.each([
    [decomposed, [composed], [composed]],
    [`ada,${decomposed}`, [composed], ['ada', composed]],
    [composed, [decomposed, 'ada'], [decomposed]],
    [decomposed, [composed, decomposed], [decomposed]],
  ])('finds %j in %j, whatever the Unicode form', (list, known, names) => {
    expect(namesOf(list, known, '--users')).toEqual(names);
  });

  it.each([
    ['"ada', 'a quote is out of place'],
    ['ada,,bob', 'has an empty name'],
    ['', 'has an empty name'],
  ])('%j is refused', (list, problem) => {
    expect(() => namesOf(list, [], '--users')).toThrow(problem);
  });
});

describe('a list in a configuration file', () => {
  it.each([[['Doe, Jane', 'b']], [['a "b", c', '"d"']], [['first:2']], [[' Ann ', 'two\nlines']], [['Doe', 'John']]])(
    '%j holds its names as they are',
    names => {
      const known = ['Doe, John', 'Doe,John'];
      expect(namesOf(nameListSchema.parse(names), known, '--users')).toEqual(names);
    },
  );

  it.each([[[]], [[7]], [7], [{ ada: 1 }]])('%j is refused', value => {
    expect(nameListSchema.safeParse(value).error?.issues[0]?.message).toContain('or a list of texts');
  });
});
