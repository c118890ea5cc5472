import { describe, expect, it } from 'vitest';
import { printable, printableLines, printableSentence } from './printable.ts';

describe('printable', () => {
  it.each([
    ['ada', 'ada'],
    ['Zoë 李 👩‍💻', 'Zoë 李 👩‍💻'],
    ['\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['a\nb\tc\r', 'a\\u{a}b\\u{9}c\\u{d}'],
    ['\u009b31m', '\\u{9b}31m'],
    ['user\u202egnp.exe', 'user\\u{202e}gnp.exe'],
    ['half \ud800 pair', 'half \\u{d800} pair'],
    ['\u0000\u007f', '\\u{0}\\u{7f}'],
  ])('%j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('cuts what is too long, and never through a pair', () => {
    expect(printable('x'.repeat(500))).toBe(`${'x'.repeat(119)}…`);
    expect(printable('👍👍👍👍', 4)).toBe('👍\ufffd…');
  });
});

describe('printableLines', () => {
  it('keeps line breaks, tabs and colours, and nothing else that a terminal obeys', () => {
    expect(printableLines('\u001b[31merror: \u001b[39ma\n\tb')).toBe('\u001b[31merror: \u001b[39ma\n\tb');
    expect(printableLines('\u001b[2J\u001b]0;title\u0007\r')).toBe('\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{d}');
  });
});

describe('printableSentence', () => {
  it.each([
    ['a.jsonl:3: not JSON.', 'a.jsonl:3: not JSON.'],
    ['two\n  lines\r\n and a\ttab', 'two lines and a tab'],
    ['\u001b[2J\ufeff', '\\u{1b}[2J\\u{feff}'],
  ])('%j', (text, shown) => {
    expect(printableSentence(text, 100)).toBe(shown);
  });

  it.each(['x', '\u0000', '👍', '\n'])('of 100,000 times %j keeps the beginning and the end', middle => {
    const shown = printableSentence(`place: ${middle.repeat(100_000)} Do this.`, 60);
    expect(shown.length).toBeLessThanOrEqual(60);
    expect(shown).toMatch(/^place:.* Do this\.$/);
  });
});
