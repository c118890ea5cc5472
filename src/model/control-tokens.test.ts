/** No text makes a control token, whatever the tokenizer; all other texts keep the ids the library gives them. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TINY_CONFIG, temporaryFolders, tinyTokenizer } from '../../tests/parity/support.ts';
import { parseModelConfig } from './config.ts';
import { isControl } from './control-tokens.ts';
import { Tokenizer } from './tokenizer.ts';

type Json = Record<string, unknown>;

const folders = temporaryFolders();
const config = parseModelConfig({ ...TINY_CONFIG, eos_token_id: undefined }, 'tiny');
const inProject = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const readJson = async (path: string): Promise<Json> => JSON.parse(await readFile(path, 'utf8'));

const added = (content: string, id: number, more: object = {}) => ({ id, content, special: true, ...more });
const words = ['▁', 'a', 'b', 'ab', '▁ab', '<', '>', '/', 's', 'e', '[', ']', 'C', 'L', 'S', 'd', 'n', '!'];

/** Lists of words in which the control tokens could be found too, were they there by their own names. */
const UNIGRAM = {
  added_tokens: [added('<unk>', 0), added('<s>', 1), added('</s>', 2)],
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  post_processor: null,
  decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: ['<unk>', '<s>', '</s>', ...words].map((word, i) => [word, i < 3 ? 0 : -i]),
  },
};
const WORD_PIECE = {
  added_tokens: [added('[UNK]', 0), added('[CLS]', 1), added('[SEP]', 2)],
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: false },
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: { type: 'BertProcessing', cls: ['[CLS]', 1], sep: ['[SEP]', 2] },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    vocab: Object.fromEntries(
      ['[UNK]', '[CLS]', '[SEP]', ...words, ...words.map(word => `##${word}`)].map((word, id) => [word, id]),
    ),
  },
};

/** The byte-level one with a change of what may lead to a control token. */
function tiny(change: (definition: Json, model: Json, added: Json[]) => void): Json {
  const definition = structuredClone(tinyTokenizer());
  change(definition, definition.model as Json, definition.added_tokens as Json[]);
  return definition;
}

const MERGED = tiny((_, model) => {
  model.merges = ['< /', '</ s', '</s >'];
  Object.assign(model.vocab as Json, { '</': 259, '</s': 260 });
});
const WHOLE_WORDS = tiny((definition, model) => {
  model.ignore_merges = true;
  definition.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
});
const NORMALIZED = tiny((definition, _, tokens) => {
  definition.normalizer = { type: 'NFKC' };
  for (const token of tokens) token.normalized = true;
});
const TAKES_NAMES_APART = tiny((definition, _, tokens) => {
  definition.normalizer = { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: false, lowercase: false };
  for (const token of tokens) token.normalized = true;
});
const NOT_SPECIAL = tiny((_, __, tokens) => {
  for (const [i, content] of ['<think>', '</think>', '[INST]', '<|tool|>'].entries()) {
    tokens.push(added(content, 259 + i, { special: false, normalized: false }));
  }
});
const LLAMA3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const WITH_PATTERN = tiny(definition => {
  definition.pre_tokenizer = {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: LLAMA3_PATTERN }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  };
});

const plain = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' };
interface Case {
  readonly name: string;
  readonly definition: Json;
  readonly settings: Json;
}
const made: Case[] = [
  { name: 'bytes', definition: tinyTokenizer(), settings: plain },
  { name: 'merges that make one', definition: MERGED, settings: plain },
  { name: 'whole words first', definition: WHOLE_WORDS, settings: plain },
  { name: 'normalized ones', definition: NORMALIZED, settings: plain },
  { name: 'a normalizer that drops odd characters', definition: TAKES_NAMES_APART, settings: plain },
  { name: 'ones not called special', definition: NOT_SPECIAL, settings: plain },
  { name: 'a pattern of its own', definition: WITH_PATTERN, settings: plain },
  { name: 'unigram', definition: UNIGRAM, settings: { unk_token: '<unk>', eos_token: '</s>' } },
  { name: 'word pieces', definition: WORD_PIECE, settings: { unk_token: '[UNK]', eos_token: '[SEP]' } },
];
const stored = [
  ...['starter', ...['cls', 'mean', 'pooler', 'sentence'].map(kind => `tests/fixtures/encoders/${kind}`)],
  '../shared/models/stories260k',
].filter(folder => existsSync(inProject(`${folder}/tokenizer.json`)));
const shared = inProject('../shared/data/tokenizers');
const cases: Case[] = [
  ...made,
  ...(await Promise.all(
    stored.map(async name => {
      const settings = await readJson(inProject(`${name}/tokenizer_config.json`)).catch(() => ({}));
      return { name, definition: await readJson(inProject(`${name}/tokenizer.json`)), settings };
    }),
  )),
  ...(existsSync(shared)
    ? [
        {
          name: 'GPT-2',
          definition: await readJson(join(shared, 'gpt2_tokenizer.json')),
          settings: { eos_token: '<|endoftext|>' },
        },
      ]
    : []),
];

const TEMPLATE =
  "{{ bos_token }}{% for m in messages %}{{ '<' + m.role + '>' }}{{ m.content | trim }}{{ eos_token }}{% endfor %}";

async function open({ definition, settings }: Case, template?: string) {
  const folder = await folders();
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(definition));
  const withEnd = { eos_token: (definition.added_tokens as Json[])[0]!.content, ...settings };
  const { chat_template, ...others } = withEnd as Json;
  const json = template ? { ...others, chat_template: template } : others;
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(json));
  const tokens = (definition.added_tokens as { id: number; content: string; special?: boolean }[]).filter(token =>
    isControl(token),
  );
  const library = new HuggingFaceTokenizer(structuredClone(definition), settings);
  const unknown = library.token_to_id(String(settings.unk_token));
  const control = new Set(tokens.map(({ id }) => id).filter(id => id !== unknown));
  const countOf = (ids: readonly number[]) => ids.filter(id => control.has(id)).length;
  return { tokenizer: await Tokenizer.load(folder, config), library, tokens, countOf, settings: withEnd as Json };
}

describe.each(cases)('a tokenizer with $name', tokenizerCase => {
  it('reads every control token in a text as the characters it is written with', async () => {
    const { tokenizer, tokens, countOf } = await open(tokenizerCase);
    const frame = countOf(tokenizer.encodePrompt('ab'));
    expect(tokens.length).toBeGreaterThan(0);
    for (const { content } of tokens) {
      for (const text of [
        content,
        `ab${content}ab`,
        ` ${content} `,
        content.repeat(2),
        `\u{13000}${content}`,
        `\ud800${content}`,
      ]) {
        expect(countOf(tokenizer.encodePrompt(text)), text).toBe(frame);
        expect(countOf(tokenizer.encodeCompletion(text).slice(0, -1)), text).toBe(0);
        expect(tokenizer.encodeCompletion(text).at(-1)).toBe(tokenizer.endIds[0]);
      }
    }
  });

  it('lets a chat template write them, but not the text in it', async () => {
    const { tokenizer, tokens, countOf } = await open(tokenizerCase, TEMPLATE);
    for (const { content } of tokens) {
      const written = countOf(tokenizer.encodePrompt('ab'));
      for (const text of [content, `ab${content}<user>ab`, `${content}${content}`]) {
        expect(countOf(tokenizer.encodePrompt(text)), text).toBe(written);
      }
    }
  });

  it('gives all other texts the ids the library gives them', async () => {
    const { tokenizer, library, settings } = await open(tokenizerCase);
    const chat = (await open(tokenizerCase, TEMPLATE)).tokenizer;
    const named = (name: string) => String(settings[name] ?? '');
    const turn = (text: string) => `${named('bos_token')}<user>${text.trim()}${named('eos_token')}`;
    const idsOf = (text: string, special: boolean): number[] =>
      library.encode(text, { add_special_tokens: special }).ids;
    const check = (text: string) => {
      const bare = idsOf(text, false);
      if (bare.length === 0) return;
      const framed = idsOf(text, true);
      const end = framed.length - bare.length - framed.findIndex((_, i) => bare.every((id, j) => framed[i + j] === id));
      expect(tokenizer.encodePrompt(text)).toEqual(framed.slice(0, framed.length - end));
      expect(chat.encodePrompt(text)).toEqual(idsOf(turn(text), false));
    };
    for (const text of ['ab', 'a  b\n\n\tc', "I don't know , he said !", 'naïve 中文 \u{1f600}', '<', '</', '{}[]'])
      check(text);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), text => {
        if (!(tokenizerCase.definition.added_tokens as Json[]).some(({ content }) => text.includes(String(content)))) {
          check(text.trim());
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('what is a control token', () => {
  it.each([
    ['<|im_end|>', true, true],
    ['<think>', false, true],
    ['[INST]', false, true],
    ['Assistant', true, true],
    ['    ', false, false],
    ['\n\n', false, false],
    ['mRNA', false, false],
    ['</', false, false],
    ['!', true, false],
  ])('%j, special: %j, is: %j', (content, special, expected) => {
    expect(isControl({ content, special })).toBe(expected);
  });
});
