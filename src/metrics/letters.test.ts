import { expect, it } from 'vitest';
import { countNonLatin, isNonLatin } from './letters.ts';

it.each([
  ['修复解析器', true],
  ['パーサーを直す', true],
  ['Исправить парсер', true],
  ['fix: исправить парсер', true],
  ['fix the parser', false],
  ['Größe ändern, déjà vu, Łódź', false],
  ['fix parser: да', false],
  ['ab да', false], // half is not most
  ['2024-03-01 🎉', undefined],
  ['', undefined],
])('%j', (text, expected) => {
  expect(isNonLatin(text)).toBe(expected);
});

it('counts the texts that have letters', () => {
  expect(countNonLatin(['да', 'нет', 'yes', '42'])).toEqual({ nonLatin: 2, texts: 3 });
});
