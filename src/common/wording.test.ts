import { expect, test } from 'vitest';
import { IdiolectError } from './errors.ts';
import { asFlags, setting, settingsIn } from './wording.ts';

const TEXT = `${setting('targetUsers')} 3: too many. Lower ${setting('lr')}, or leave ${setting('targetUsers')} out.`;

test('settings have the library’s names in an error, and are flags on the command line', () => {
  const error = new IdiolectError('CONFIG', TEXT);
  expect(error.message).toBe('`targetUsers` 3: too many. Lower `lr`, or leave `targetUsers` out.');
  expect(error.settings).toEqual(['targetUsers', 'lr']);
  expect(asFlags(error.message)).toBe('--target-users 3: too many. Lower --lr, or leave --target-users out.');
});

test('other backquotes are left alone', () => {
  const text = 'ran `git diff` and `Xa`; ``, `--lr`, and a lone `';
  expect(asFlags(text)).toBe(text);
  expect(settingsIn(text)).toEqual([]);
});
