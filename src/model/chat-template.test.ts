/** Chat templates: the same text as without bounds, the same text on every day, and an end to those that have none. */
import { Template } from '@huggingface/jinja';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../tests/parity/support.ts';
import { ChatTemplate } from './chat-template.ts';
import { DEFAULT_PROMPT_DATE, formatDate } from './prompt-date.ts';

const specials = { bos_token: '<s>', eos_token: '</s>', unk_token: undefined };
const open = (source: string, date = DEFAULT_PROMPT_DATE) => new ChatTemplate(source, specials, date, 'folder');

/** The forms chat templates in use have. */
const TEMPLATES = {
  chatml:
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are helpful<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
  trimmed:
    "{{- bos_token }}\n{%- if not tools is defined %}\n{%- set tools = none %}\n{%- endif %}\n{%- for message in messages %}\n{%- if tools is not none and (loop.first) %}tools{%- endif %}\n{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}\n{%- endfor %}",
  alternating:
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{{ '[INST] ' + message['content'].strip() + ' [/INST]' }}{% endfor %}",
  macro:
    '{%- macro turn(role, text) -%}<{{ role }}>{{ text }}{%- endmacro -%}{%- set ns = namespace(n=0) -%}{%- for m in messages[::-1] -%}{%- set ns.n = ns.n + 1 -%}{{ turn(m.role, m.content) }}{%- endfor -%}{{ ns.n }}',
  lines: "{% for line in messages[0].content.split('\n') %}> {{ line }}\n{% endfor %}",
};

describe('a chat template', () => {
  it.each(Object.entries(TEMPLATES))('of the form %s gives what the library gives', (_, source) => {
    for (const text of [
      'Hi',
      '  several\nlines ',
      '',
      '{{ bos_token }}',
      '\u{1f600}'.repeat(2000),
      'a\n'.repeat(5000),
    ]) {
      const context = { ...specials, messages: [{ role: 'user', content: text }], add_generation_prompt: true };
      const expected = new Template(source).render({ ...context, tools: null, documents: null });
      expect(open(source).render(text)).toBe(expected);
    }
  });

  it('is told the same day whenever it runs', () => {
    const source = "{{ strftime_now('%d %b %Y') }} / {{ date_string }}: {{ messages[0].content }}";
    expect(open(source).render('x')).toBe('26 Jul 2024 / 26 Jul 2024: x');
    expect(open(source, '2031-02-03').render('x')).toBe('03 Feb 2031 / 03 Feb 2031: x');
  });

  it.each([
    ['a loop of ten million', '{% for i in range(10000000) %}x{% endfor %}', /range\(\) of more than 200000 numbers/],
    [
      'loops within loops',
      '{% for i in range(9999) %}{% for j in range(9999) %}{{ i }}{% endfor %}{% endfor %}',
      /steps/,
    ],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /./],
    [
      'a text that doubles',
      "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
      /more than 1000000 characters/,
    ],
    [
      'a list that doubles',
      '{% set ns = namespace(s=[1, 2]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}x',
      /more than 1000000 characters/,
    ],
    ['a wide indent', "{{ 'a\nb' | indent(400000000) }}", /./],
    ['an exception of its own', "{{ raise_exception('no system turn') }}", /no system turn/],
    ['an endless range', '{{ range(0, 5, 0) }}', /range/],
  ])('with %s ends in a sentence', async (_, source, why) => {
    const { code, message } = await failureOf(() => open(source).render('Hi'));
    expect(code).toBe('TOKENIZER');
    expect(message).toMatch(/^the chat template failed \(.+\)\. Use `chat` never without it\.$/s);
    expect(message).toMatch(why);
  });

  it('that cannot be read names its folder', async () => {
    const { code, message } = await failureOf(() => open('{% if x %}'));
    expect(code).toBe('TOKENIZER');
    expect(message).toMatch(/^folder: the chat template cannot be read \(.+\)\.$/);
  });
});

describe('a pinned day', () => {
  // Python: datetime(2031, 2, 3).strftime(...)
  it.each([
    ['%d %b %Y', '03 Feb 2031'],
    ['%A, %B %d, %Y', 'Monday, February 03, 2031'],
    ['%a %h %-d %e', 'Mon Feb 3  3'],
    ['%y%m%d %F', '310203 2031-02-03'],
    ['day %j, %H:%M:%S, %I %p, 100%%', 'day 034, 00:00:00, 12 AM, 100%'],
  ])('%j', (format, expected) => {
    expect(formatDate('2031-02-03', format)).toBe(expected);
  });
});
