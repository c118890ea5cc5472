/** Lists of names: commas separate, double quotes hold a name together. */
import { describe, expect, it } from 'vitest';
import { namesOf } from './name-list.ts';

describe('namesOf', () => {
  it.each([
    ['ada', ['ada']],
    ['ada, bob', ['ada', 'bob']],
    ['"Doe, Jane",bob', ['Doe, Jane', 'bob']],
    ['"a ""b"", c", d', ['a "b", c', 'd']],
    ['Doe, John', ['Doe, John']],
    ['first "quoted" one', ['first "quoted" one']],
  ])('%s', (list, names) => {
    expect(namesOf(list, ['Doe, John', 'first "quoted" one'], '--users')).toEqual(names);
  });

  it.each([
    ['"ada', 'a quote is out of place'],
    ['ada,,bob', 'has an empty name'],
    ['', 'has an empty name'],
  ])('%j is refused', (list, problem) => {
    expect(() => namesOf(list, [], '--users')).toThrow(problem);
  });
});
