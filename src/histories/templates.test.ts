/** Prompts: the input goes in unchanged, nothing else does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capWords, renderPrompt, TEMPLATES, templateText } from './templates.ts';

describe('renderPrompt', () => {
  test('puts the input in place of {input}, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constant('$& $1 {input} {output}')), input => {
        expect(renderPrompt('plain', { input })).toBe(input);
        expect(renderPrompt('<{input}|{input}>', { input })).toBe(`<${input}|${input}>`);
      }),
    );
  });

  test('built-in templates by name; none ends in a space', () => {
    expect(renderPrompt('headline', { input: 'X.' })).toBe('Generate a headline for the following article: X.');
    for (const text of Object.values(TEMPLATES)) expect(renderPrompt(text, { input: 'x' })).not.toMatch(/\s$/);
  });

  test('refuses a name it does not know, and placeholders that would give something away', () => {
    expect(() => templateText('headlines')).toThrow('"headlines" is neither a template (plain, commit-subject,');
    expect(() => templateText('toString')).toThrow('is neither a template');
    expect(() => templateText('{input} -> {output}')).toThrow('the template holds {output}');
    expect(templateText('Answer as {"title": ...}: {input}')).toContain('{"title"');
  });
});

describe('capWords', () => {
  test('leaves a text within the limit as it is and cuts a longer one after its last word', () => {
    expect(capWords(' a  b\nc ', 3)).toBe(' a  b\nc ');
    expect(capWords(' a  b\nc d', 3)).toBe(' a  b\nc');
    expect(capWords('a b', 0)).toBe('');
  });

  test('keeps exactly the first words', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(10), (text, count) => {
        const words = (t: string) => t.match(/\S+/g) ?? [];
        const capped = capWords(text, count);
        expect(text.startsWith(capped)).toBe(true);
        expect(words(capped)).toEqual(words(text).slice(0, count));
      }),
    );
  });
});
