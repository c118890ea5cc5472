/** Values that programs are known to trip over. */

import type { Random } from '../../src/common/random.ts';

export const pick = <T>(items: readonly T[], random: Random): T => items[random.integer(items.length)]!;

/** Numbers as they are written: extremes, and what JSON does not have. */
export const NUMBERS = [
  ...['0', '-0', '-1', '1', '2', '0.5', '1e9', '4294967296', '9007199254740991', '9007199254740993'],
  ...['12345678901234567890123', '1e300', '-1e300', '5e-324', '1e999', 'NaN', 'Infinity', '-Infinity', '007', '0x10'],
];

export const LONG_LINE = 'x'.repeat(1_000_000);

/** Regular expressions that backtrack without end, or that are none. */
const PATTERNS = [
  ...[
    '(a+)+$',
    '(a|a)*b',
    '(.*)*(.*)*x!',
    '(([a-z_.0-9])+)+!',
    '(?=(a*))*$',
    'a{1,1000}{1,1000}',
    '(?<name>',
    '[',
    '\\',
  ],
  ...['(?i)model.*', '(?P<n>x)(?P=n)', '^(?!.*(.*)*x).*$', '.*'.repeat(200), '('.repeat(5000)],
];

/** Chat templates that do not end, grow, or reach for what is not theirs. */
const TEMPLATES = [
  '{% for i in range(10000000) %}{{ i }}{% endfor %}',
  '{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}',
  '{% set ns = namespace(x="aaaaaaaaaa") %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}',
  ...['{{ messages', '{% if %}', '{{ raise_exception("no") }}', '{{ [].constructor.constructor("return process")() }}'],
  ...['{{ messages[0].content.__proto__ }}', '{{ none.x.y }}', '{{ messages[9].content }}', '{{ "x" * 1000000000 }}'],
  ...['{{ strftime_now(messages) }}', '{{ messages | tojson(indent=1000000) }}', `${'{{ ('.repeat(2000)}`],
  ...['{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}', '{{ range(0, 10, 0) }}', '{{ "a".split("") | join("b") }}'],
];

export const HOSTILE_TEXTS = [
  '',
  ' ',
  '\u001b[2J\u001b]0;title\u0007',
  '\u0000',
  '\u0085\u2028\u2029\u202e\ufeff',
  '\ud800',
  'a\udfff',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  'e\u0301'.repeat(500),
  '\n\r\n',
  '"',
  '<|im_end|>',
  '%s%n%d',
  '../../../../etc/passwd',
  '/dev/full',
  '/proc/self/mem',
  'C:\\CON',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'file:///etc/passwd',
  '2026-13-45T99:99:99+25:99',
  '[['.repeat(5000),
  '{"a":'.repeat(5000),
  'x'.repeat(100_000),
  ' '.repeat(100_000),
  ...PATTERNS,
  ...TEMPLATES,
];
