/** Text to ids and back: start and end tokens, the chat template, and folders that are not whole. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { failureOf, TINY_CONFIG, temporaryFolders, tinyTokenizer, writeTokenizer } from '../../tests/parity/support.ts';
import { type ModelConfig, parseModelConfig } from './config.ts';
import { Tokenizer, type TokenizerOptions } from './tokenizer.ts';

const folders = temporaryFolders();
const noEnd = parseModelConfig({ ...TINY_CONFIG, eos_token_id: null }, 'tiny');
const plain = { bos_token: '<s>', eos_token: '</s>' };

async function load(settings: object = plain, definition: object = tinyTokenizer(), config: ModelConfig = noEnd) {
  const folder = await folders();
  await writeTokenizer(folder, { ...definition }, { ...settings });
  return Tokenizer.load(folder, config);
}

/** Ids of the tiny tokenizer: 3 and the byte. */
const bytes = (text: string) => [...new TextEncoder().encode(text)].map(byte => byte + 3);

describe('start and end', () => {
  test('a prompt starts with the start token, a completion ends with the end token', async () => {
    const tokenizer = await load();
    expect(tokenizer.encodePrompt('Hé')).toEqual([1, ...bytes('Hé')]);
    expect(tokenizer.startsWithBos(tokenizer.encodePrompt('Hé'))).toBe(true);
    // after a plain prompt a completion starts with a space, as in ordinary text
    expect(tokenizer.encodeCompletion('ok')).toEqual([...bytes(' ok'), 2]);
    expect(tokenizer.endIds).toEqual([2]);
  });

  test('an empty prompt is the start token alone', async () => {
    expect((await load()).encodePrompt('')).toEqual([1]);
    const without = tinyTokenizer({ startToken: false });
    expect((await load(plain, without)).encodePrompt('')).toEqual([1]);
    // GPT-2 and Qwen2 have no start token of their own: the end token separates texts
    const noStart = await load({ eos_token: '</s>' }, without);
    expect(noStart.encodePrompt('')).toEqual([2]);
    expect(noStart.encodePrompt('a')).toEqual(bytes('a'));
    expect(noStart.startsWithBos([2, 5])).toBe(false);
  });

  // An id of 0 once counted as none.
  test('a start token of id 0', async () => {
    const definition = tinyTokenizer({ specials: ['<s>', '<pad>', '</s>'] });
    const tokenizer = await load(plain, definition);
    expect(tokenizer.encodePrompt('a')).toEqual([0, ...bytes('a')]);
    expect(tokenizer.startsWithBos([0, 5])).toBe(true);
    expect(
      (await load(plain, tinyTokenizer({ specials: ['<s>', '', '</s>'], startToken: false }))).encodePrompt(''),
    ).toEqual([0]);
  });

  // transformers puts it there too, where a text is whole; a prompt is to be answered.
  test('a prompt does not end in the end token that the tokenizer puts after texts', async () => {
    const definition = tinyTokenizer();
    const processor = definition.post_processor as { single: object[]; special_tokens: object };
    processor.single.push({ SpecialToken: { id: '</s>', type_id: 0 } });
    Object.assign(processor.special_tokens, { '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] } });
    const tokenizer = await load({ ...plain, add_eos_token: true }, definition);
    expect(tokenizer.encodePrompt('Hi')).toEqual([1, ...bytes('Hi')]);
    expect(tokenizer.encodePrompt('')).toEqual([1]);
    expect(tokenizer.encodeCompletion('ok')).toEqual([...bytes(' ok'), 2]);
  });

  test('end tokens of all files together, the tokenizer’s own first', async () => {
    const folder = await folders();
    await writeTokenizer(folder, tinyTokenizer(), { ...plain, eos_token: { content: '</s>', lstrip: false } });
    await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id": [7, 2]}');
    const config = parseModelConfig({ ...TINY_CONFIG, eos_token_id: [9, 7] }, 'tiny');
    expect((await Tokenizer.load(folder, config)).endIds).toEqual([2, 7, 9]);
  });
});

describe('a prompt that has to fit', () => {
  const template = '{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]';

  test('loses the beginning of its text, never a part of the chat template', async () => {
    const tokenizer = await load({ ...plain, chat_template: template });
    const turn = (text: string) => [1, ...bytes(`[user]${text}[assistant]`)];
    expect(tokenizer.leastRoom()).toBe(18);
    expect(tokenizer.fitPrompt('abcdef', 'auto', 24)).toEqual({ ids: turn('abcdef'), isCut: false });
    for (const [room, kept] of [
      [23, 'bcdef'],
      [19, 'f'],
      [18, ''],
    ] as const) {
      expect(tokenizer.fitPrompt('abcdef', 'auto', room)).toEqual({ ids: turn(kept), isCut: true });
    }
    // four bytes to a character, of which none is taken apart
    expect(tokenizer.fitPrompt('\u{1f600}\u{1f601}', 'auto', 25).ids).toEqual(turn('\u{1f601}'));
    expect(tokenizer.fitPrompt('x'.repeat(100_000), 'auto', 1018).ids).toEqual(turn('x'.repeat(1000)));
    expect(await failureOf(() => tokenizer.fitPrompt('abcdef', 'auto', 17))).toEqual({
      code: 'CONFIG',
      message:
        'the chat template alone takes 18 tokens, and there is room for 17. Raise `maxLength`, or use `chat` never.',
    });
  });

  test('keeps its start token without a template', async () => {
    const tokenizer = await load({ ...plain, chat_template: template });
    expect(tokenizer.leastRoom('never')).toBe(1);
    expect(tokenizer.fitPrompt('abcdef', 'never', 4)).toEqual({ ids: [1, ...bytes('def')], isCut: true });
    expect(tokenizer.fitPrompt('abcdef', 'never', 1)).toEqual({ ids: bytes('f'), isCut: true });
  });
});

describe('decode', () => {
  test('gives back what was encoded, spaces before punctuation and all', async () => {
    const tokenizer = await load();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const [, ...ids] = tokenizer.encodePrompt(text);
        expect(tokenizer.decode(ids)).toBe(text);
      }),
      { numRuns: 200 },
    );
    for (const text of ["I do n't know , he said !", ' a .', 'x  \n']) {
      expect(tokenizer.decode(bytes(text))).toBe(text);
    }
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([1, ...bytes('a'), 2])).toBe('a');
  });

  test('pieces are the text token by token, a character at its last byte', async () => {
    const tokenizer = await load();
    const unfinished = '\ufffd';
    expect(tokenizer.pieces([...bytes('a é'), 2])).toEqual(['a', ' ', unfinished, 'é', '</s>']);
    expect(tokenizer.pieces(bytes('\u{1f600}!'))).toEqual([unfinished, unfinished, unfinished, '\u{1f600}', '!']);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), text => {
        const ids = bytes(text);
        const pieces = tokenizer.pieces(ids);
        expect(pieces).toHaveLength(ids.length);
        expect(pieces.join('').replaceAll(unfinished, '')).toBe(text.replaceAll(unfinished, ''));
      }),
      { numRuns: 100 },
    );
  });
});

describe('chat template', () => {
  const template =
    '{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}' +
    '{% if add_generation_prompt %}[assistant]{% endif %}';

  test('is used when there, and switched off by never', async () => {
    const tokenizer = await load({ ...plain, chat_template: template });
    expect(tokenizer.hasChatTemplate).toBe(true);
    expect(tokenizer.encodePrompt('Hi')).toEqual([1, ...bytes('[user]Hi[assistant]')]);
    expect(tokenizer.encodePrompt('Hi', 'never')).toEqual([1, ...bytes('Hi')]);
    // the template brings its own separator
    expect(tokenizer.encodeCompletion('ok')).toEqual([...bytes('ok'), 2]);
    expect(tokenizer.encodeCompletion('ok', 'never')).toEqual([...bytes(' ok'), 2]);
  });

  test('in a file of its own, and as one of several named ones', async () => {
    const folder = await folders();
    await writeTokenizer(folder);
    expect((await Tokenizer.load(folder, noEnd)).hasChatTemplate).toBe(false);
    await writeFile(join(folder, 'chat_template.jinja'), template);
    expect((await Tokenizer.load(folder, noEnd)).encodePrompt('Hi')).toEqual([1, ...bytes('[user]Hi[assistant]')]);
    const list = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template },
    ];
    const named = await load({ ...plain, chat_template: list });
    expect(named.encodePrompt('Hi')).toEqual([1, ...bytes('[user]Hi[assistant]')]);
  });

  test('in both places, the file counts, as in transformers', async () => {
    const folder = await folders();
    await writeTokenizer(folder, tinyTokenizer(), { ...plain, chat_template: 'inline {{ messages[0].content }}' });
    await writeFile(join(folder, 'chat_template.jinja'), template);
    expect((await Tokenizer.load(folder, noEnd)).encodePrompt('Hi')).toEqual([1, ...bytes('[user]Hi[assistant]')]);
  });

  test('the day it is told does not depend on the clock, but on the setting', async () => {
    vi.useFakeTimers({ now: new Date('2031-02-03T10:00:00Z'), toFake: ['Date'] });
    try {
      const dated = "{{ strftime_now('%d %b %Y') }}|{{ date_string }}|{{ messages[0].content }}";
      const folder = await folders();
      await writeTokenizer(folder, tinyTokenizer(), { ...plain, chat_template: dated });
      const turn = async (options?: TokenizerOptions) =>
        (await Tokenizer.load(folder, noEnd, options)).encodePrompt('Hi');
      expect(await turn()).toEqual(bytes('26 Jul 2024|26 Jul 2024|Hi'));
      expect(await turn({ promptDate: '1999-12-31' })).toEqual(bytes('31 Dec 1999|31 Dec 1999|Hi'));
    } finally {
      vi.useRealTimers();
    }
  });

  test('one that fails says so and what to do', async () => {
    const tokenizer = await load({ ...plain, chat_template: "{{ raise_exception('no system turn') }}" });
    expect(await failureOf(() => tokenizer.encodePrompt('Hi'))).toEqual({
      code: 'TOKENIZER',
      message: 'the chat template failed (no system turn). Use `chat` never without it.',
    });
    const { code, message } = await failureOf(() => load({ ...plain, chat_template: '{% if x %}' }));
    expect(code).toBe('TOKENIZER');
    expect(message).toMatch(/^\/.+: the chat template cannot be read \(.+\)\.$/);
  });
});

describe('folders that are not whole', () => {
  test('no tokenizer.json', async () => {
    const folder = await folders();
    expect(await failureOf(() => Tokenizer.load(folder, noEnd))).toEqual({
      code: 'TOKENIZER',
      message: `${join(folder, 'tokenizer.json')} is missing. The model folder needs its tokenizer.`,
    });
  });

  test('a tokenizer.json that is cut, or no tokenizer', async () => {
    const folder = await folders();
    const file = join(folder, 'tokenizer.json');
    await writeFile(file, '{"model": ');
    const cut = await failureOf(() => Tokenizer.load(folder, noEnd));
    expect(cut.code).toBe('TOKENIZER');
    expect(cut.message.startsWith(`${file} is not valid JSON (`)).toBe(true);
    await writeFile(file, '{"version": "1.0"}');
    const other = await failureOf(() => Tokenizer.load(folder, noEnd));
    expect(other.message.startsWith(`${file} cannot be used as a tokenizer (`)).toBe(true);
  });

  test('no end token anywhere', async () => {
    const folder = await folders();
    await writeTokenizer(folder, tinyTokenizer(), { bos_token: '<s>' });
    expect(await failureOf(() => Tokenizer.load(folder, noEnd))).toEqual({
      code: 'TOKENIZER',
      message: `${folder}: no end-of-text token. Set eos_token in tokenizer_config.json or eos_token_id in config.json.`,
    });
  });
});

const data = fileURLToPath(new URL('../../../shared/data/tokenizers/', import.meta.url));
const present = existsSync(data);
if (!present) console.log('skipped: the recorded tokenizer cases are not beside the project');

describe.skipIf(!present)("GPT-2's tokenizer", () => {
  test('recorded ids; decoding gives the text back; the file’s wish to cut at 50 tokens is not heard', async () => {
    const definition = JSON.parse(await readFile(join(data, 'gpt2_tokenizer.json'), 'utf8'));
    expect(definition.truncation).toMatchObject({ max_length: 50 });
    const tokenizer = await load({ eos_token: '<|endoftext|>' }, definition);
    const cases = JSON.parse(await readFile(join(data, 'tokenizer_tests.json'), 'utf8')).distilgpt2;
    expect(cases.length).toBeGreaterThan(10);
    for (const { input, encoded } of cases) {
      expect(tokenizer.encodePrompt(input), input).toEqual(encoded.input_ids);
      expect(tokenizer.decode(encoded.input_ids)).toBe(input);
    }
    expect(tokenizer.encodePrompt(' word'.repeat(200))).toHaveLength(200);
    expect(tokenizer.encodeCompletion('hello world')).toEqual([23748, 995, 50_256]);
    expect(tokenizer.encodePrompt('')).toEqual([50_256]);
  });
});
