/** Tokenizer files that are odd, damaged or hostile: a sentence that names the file, within a bounded time. */
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf, TINY_CONFIG, temporaryFolders, tinyTokenizer, writeTokenizer } from '../../tests/parity/support.ts';
import { parseModelConfig } from './config.ts';
import { TextTokenizer } from './text-tokenizer.ts';
import { Tokenizer } from './tokenizer.ts';

type Json = Record<string, unknown>;

const folders = temporaryFolders();
const config = parseModelConfig(TINY_CONFIG, 'tiny');

async function failure(name: string, content: string | Buffer) {
  const folder = await folders();
  await writeTokenizer(folder);
  await writeFile(join(folder, name), content);
  const { code, message } = await failureOf(() => Tokenizer.load(folder, config));
  expect(code).toBe('TOKENIZER');
  return message.replaceAll(folder, 'F');
}

const model = (change: Json) =>
  JSON.stringify({ ...tinyTokenizer(), model: { ...(tinyTokenizer().model as Json), ...change } });
const withPart = (change: Json) => JSON.stringify({ ...tinyTokenizer(), ...change });

describe('a tokenizer.json', () => {
  it.each([
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"tokenizer"'],
    ['half a file', JSON.stringify(tinyTokenizer()).slice(0, 500)],
    ['empty', ''],
    ['no model', '{"version": "1.0"}'],
    ['a model that is null', withPart({ model: null })],
    ['a vocabulary that is null', model({ vocab: null })],
    ['a vocabulary of texts', model({ vocab: { a: 'b' } })],
    ['a vocabulary of negative ids', model({ vocab: { a: -1 } })],
    ['a vocabulary as a list', model({ vocab: ['a', 'b'] })],
    ['no merges', model({ merges: undefined })],
    ['merges of numbers', model({ merges: [1, 2] })],
    ['merges of three', model({ merges: [['a', 'b', 'c']] })],
    ['a type unheard of', JSON.stringify({ ...tinyTokenizer(), model: { type: 'X', vocab: [] } })],
    ['an empty unigram list', JSON.stringify({ ...tinyTokenizer(), model: { type: 'Unigram', vocab: [] } })],
    ['added tokens that are none', withPart({ added_tokens: [{ id: 'a' }] })],
    ['a token of 2,000 characters', withPart({ added_tokens: [{ id: 9, content: 'x'.repeat(2_000), special: true }] })],
    ['added tokens as an object', withPart({ added_tokens: { a: 1 } })],
    ['a step unheard of', withPart({ pre_tokenizer: { type: 'X' } })],
    ['a step that is a text', withPart({ normalizer: 'NFC' })],
    ['a pattern that is none', withPart({ pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } })],
    ['a pattern of 20,000', withPart({ normalizer: { type: 'Replace', pattern: { Regex: 'a'.repeat(20_000) } } })],
    ['a pattern of neither kind', withPart({ pre_tokenizer: { type: 'Split', pattern: {} } })],
    ['pieces of length 0', withPart({ pre_tokenizer: { type: 'FixedLength', length: 0 } })],
    ['a frame without parts', withPart({ post_processor: { type: 'TemplateProcessing' } })],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0])],
  ])('with %s', async (_, content) => {
    expect(await failure('tokenizer.json', content)).toMatch(/^F\/tokenizer\.json .+\.$/s);
  });

  it('that is a folder or a pipe', async () => {
    const folder = await folders();
    await writeTokenizer(folder);
    const file = join(folder, 'tokenizer.json');
    await rm(file);
    await mkdir(file);
    expect((await failureOf(() => Tokenizer.load(folder, config))).message).toBe(
      `${file} is a folder; a file was expected.`,
    );
    if (process.platform === 'win32') return;
    await rm(file, { recursive: true });
    execFileSync('mkfifo', [file]);
    expect((await failureOf(() => Tokenizer.load(folder, config))).message).toBe(
      `${file} is a pipe; a file was expected.`,
    );
  });

  it('with a byte order mark, or a vocabulary with the names of JavaScript’s own', async () => {
    const folder = await folders();
    await writeTokenizer(folder);
    const definition = JSON.stringify(tinyTokenizer()).replace(
      '"<pad>":0',
      '"<pad>":0,"constructor":259,"__proto__":260',
    );
    await writeFile(join(folder, 'tokenizer.json'), `\ufeff${definition}`);
    expect((await Tokenizer.load(folder, config)).encodePrompt('a')).toEqual([1, 100]);
  });
});

describe('the files beside it', () => {
  it.each([
    ['tokenizer_config.json', 'null'],
    ['tokenizer_config.json', '[1]'],
    ['tokenizer_config.json', '{"eos_token": 5}'],
    ['tokenizer_config.json', '{"chat_template": 5}'],
    ['tokenizer_config.json', '{"chat_template": [{"name": "default"}]}'],
    ['tokenizer_config.json', '{"eos_'],
    ['generation_config.json', 'null'],
    ['generation_config.json', '3'],
    ['generation_config.json', '{"eos_token_id": "x"}'],
    ['generation_config.json', '{"eos_token_id": [1, null]}'],
    ['generation_config.json', '{"eos_token_id": -2}'],
    ['chat_template.jinja', Buffer.from([0xff, 0xfe, 0])],
  ])('%s: %s', async (name, content) => {
    expect(await failure(name, content)).toMatch(new RegExp(`^F/${name}(:|.is not valid).+\\.$`, 's'));
  });

  it.each(['null', '-1', '[-1]', '[]', '[-1, 2]'])('may name no end of text: %s', async ends => {
    const folder = await folders();
    await writeTokenizer(folder, tinyTokenizer(), { eos_token: '</s>' });
    await writeFile(join(folder, 'generation_config.json'), `{"eos_token_id": ${ends}}`);
    expect((await Tokenizer.load(folder, config)).endIds).toEqual([2]);
  });

  it('may leave out, or have null for, what they need not say', async () => {
    const folder = await folders();
    await writeTokenizer(folder, tinyTokenizer(), { eos_token: '</s>', bos_token: null, chat_template: null });
    expect((await Tokenizer.load(folder, config)).endIds).toEqual([2]);
  });
});

describe('a pattern that never ends', () => {
  const steps = {
    pre_tokenizer: (pattern: string) => ({
      type: 'Split',
      pattern: { Regex: pattern },
      behavior: 'Isolated',
      invert: false,
    }),
    normalizer: (pattern: string) => ({ type: 'Replace', pattern: { Regex: pattern }, content: 'b' }),
  };
  it.each([
    ['pre_tokenizer', '(a+)+$'],
    ['pre_tokenizer', '(a|a)*b'],
    ['normalizer', '(a+)+$'],
    ['normalizer', '(a|a)*b'],
  ] as const)('in the %s: %s', async (part, pattern) => {
    const folder = await folders();
    await writeTokenizer(folder, { ...tinyTokenizer(), [part]: steps[part](pattern) });
    const tokenizer = await TextTokenizer.read(folder, [], 300);
    expect(tokenizer.encode('ok')).toHaveLength(2);
    const { code, message } = await failureOf(() => tokenizer.encode(`${'a'.repeat(60)}!`));
    expect(code).toBe('TOKENIZER');
    expect(message).toContain(`${join(folder, 'tokenizer.json')} cannot be used as a tokenizer (a pattern in it takes`);
  });
});
