/** What a record is, and that its key tells records apart as people would. */
import { describe, expect, test } from 'vitest';
import { parseRecord, recordKey } from './record.ts';
import { normaliseTime } from './time.ts';

const problemOf = (value: unknown) => {
  const parsed = parseRecord(value);
  return 'problem' in parsed ? parsed.problem : 'no problem';
};

describe('parseRecord', () => {
  test('keeps the known fields, drops the others, reads null as absent', () => {
    const parsed = parseRecord({ user: 'a', input: '', output: 'x', id: 7, time: 0, label: null, note: 'mine' });
    expect(parsed).toStrictEqual({
      value: { user: 'a', input: '', output: 'x', id: '7', time: '1970-01-01T00:00:00.000Z' },
    });
  });

  test.each([
    [{ user: 'a', input: '' }, '"output" is missing. Each record needs user, input and output.'],
    [{ user: '', input: '', output: 'x' }, '"user" is empty; it must be a string with at least one visible character'],
    [{ user: 'a', input: '', output: ' \n' }, '"output" is " \\n"; it must be'],
    [{ user: 'a\ud800', input: '', output: 'x' }, 'and no half of a surrogate pair'],
    [{ user: 'a', input: '', output: 'x', split: ['train'] }, '"split" is a list; it must be'],
    [
      { user: 'a', input: '', output: 'x', weight: Number.POSITIVE_INFINITY },
      '"weight" is null; it must be a number above 0',
    ],
    [{ user: 7, input: '', output: 'x' }, '"user" is 7; it must be a string'],
    [{ user: 'a', input: ['x'], output: 'x' }, '"input" is a list; it must be a string'],
    [{ user: 'a', input: null, output: 'x' }, '"input" is null; it must be a string'],
    [{ user: 'a', input: '', output: 'x', weight: 0 }, '"weight" is 0; it must be a number above 0'],
    [{ user: 'a', input: '', output: 'x', label: 'yes' }, '"label" is "yes"; it must be true or false'],
    [{ user: 'a', input: '', output: 'x', time: 'May' }, '"time" is "May"; it must be an ISO 8601 date'],
    [{ user: 'a', input: '', output: 'x', split: 'dev' }, '"split" is "dev"; it must be "train" or "query"'],
    [['a'], 'found a list where an object was expected'],
    [null, 'found null where an object was expected'],
  ])('says what is wrong with %j', (value, sentence) => {
    expect(problemOf(value)).toContain(sentence);
  });
});

describe('normaliseTime', () => {
  test.each([
    ['2024-12-24', '2024-12-24T00:00:00.000Z'],
    ['2024', '2024-01-01T00:00:00.000Z'],
    ['2024-02', '2024-02-01T00:00:00.000Z'],
    ['2024-02-29 10:30', '2024-02-29T10:30:00.000Z'],
    ['2024-12-24T23:30:00+01:00', '2024-12-24T22:30:00.000Z'],
    ['2024-12-24T23:30:00.25-0130', '2024-12-25T01:00:00.250Z'],
    ['0099-01-01', '0099-01-01T00:00:00.000Z'],
    ['2026-05-01 3:05:00', '2026-05-01T03:05:00.000Z'],
    ['2026-05-01 10:00:00 UTC', '2026-05-01T10:00:00.000Z'],
    ['2026-05-01 10:00:00 GMT', '2026-05-01T10:00:00.000Z'],
    ['2026-05-01 10:00 +0200', '2026-05-01T08:00:00.000Z'],
    ['2026-05-01 10:00 +14:00', '2026-04-30T20:00:00.000Z'],
    [1_735_000_000, '2024-12-24T00:26:40.000Z'],
    [0.5, '1970-01-01T00:00:00.500Z'],
    [20_240_532, '1970-08-23T06:22:12.000Z'], // no day in May 2024
  ])('reads %j', (value, expected) => {
    expect(normaliseTime(value)).toBe(expected);
    expect(normaliseTime(expected)).toBe(expected);
  });

  test.each([
    '2023-02-29',
    '2024-13-01',
    '2024-01-01T25:00',
    '2024-01-01 10:00+25:99',
    '2024-01-01 10:00+02:60',
    '2024-01-01 10:00+14:01',
    '2024-01-01 10:00-12:01',
    '24-12-2024',
    '',
    Number.NaN,
    1_735_000_000_000,
    2024,
    20_240_501,
  ])('refuses %j', value => {
    expect(normaliseTime(value)).toBeNull();
  });
});

describe('recordKey', () => {
  const record = { user: 'a', input: 'b', output: 'c' };

  test('is the same for the same content, whatever else is known about it', () => {
    const other = { output: 'c', input: 'b', user: 'a', time: '2024-01-01T00:00:00.000Z', weight: 2 };
    expect(recordKey(other)).toBe(recordKey(record));
    expect(recordKey(record)).toMatch(/^[0-9a-f]{64}$/);
  });

  // Public code keyed records by id alone: users' records numbered from 0 then stood in for each other.
  test('differs between users with the same id, and where text moves from one field to the next', () => {
    const variants = [
      { ...record, id: '0' },
      { ...record, user: 'z', id: '0' },
      { user: 'ab', input: '', output: 'c' },
      { user: 'a', input: 'bc', output: '' },
      record,
    ];
    expect(new Set(variants.map(recordKey)).size).toBe(variants.length);
  });
});
