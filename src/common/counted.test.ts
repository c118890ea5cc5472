import { expect, it } from 'vitest';
import { counted } from './counted.ts';

it.each([
  [counted(0, 'record'), '0 records'],
  [counted(1, 'record'), '1 record'],
  [counted(2, 'record'), '2 records'],
  [counted(1, 'query', 'queries'), '1 query'],
  [counted(2, 'query is', 'queries are'), '2 queries are'],
])('%s', (text, expected) => expect(text).toBe(expected));
