import { expect, it } from 'vitest';
import { readStandardInput } from './standard-input.ts';

it('reads up to the limit, and no further', async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given++;
      yield 'abcd';
    }
  }
  async function* three() {
    yield* ['ab', 'c'];
  }
  expect(await readStandardInput('', three(), 3)).toBe('abc');
  await expect(readStandardInput('Shorten it.', endless(), 10)).rejects.toThrow(
    'standard input has more than the 10 characters that are read. Shorten it.',
  );
  expect(given).toBe(3);
});
