/** tokenizer.json of several makes, tokenizer_config.json, and chat templates: read, and a text put through them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseModelConfig } from '../../../src/model/config.ts';
import { Tokenizer } from '../../../src/model/tokenizer.ts';
import { MODEL } from '../corpus.ts';
import { type Files, filesIn, fixture, type Kind, type Reading } from '../kind.ts';

const TEXT = 'fix(parser): Don\u2019t  stop\n\tat 2026 \u4f60\u597d \ud83d\ude42 </s>';

const TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %} {{ strftime_now('%d %b %Y') }}";

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** The same tokenizer with the parts in which tokenizers differ. */
function variants(base: Record<string, unknown>): Record<string, unknown>[] {
  const split = { type: 'Split', pattern: { Regex: '\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}]+|\\s+' }, behavior: 'Isolated' };
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return [
    base,
    { ...base, pre_tokenizer: { type: 'Sequence', pretokenizers: [{ ...split, invert: false }, level] } },
    {
      ...base,
      normalizer: {
        type: 'Sequence',
        normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' +' }, content: ' ' }],
      },
      decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '_' }, content: ' ' }, level] },
    },
  ];
}

export const tokenizers: Kind = async corpus => {
  const tiny = await filesIn(join(corpus, MODEL));
  const model = parseModelConfig(JSON.parse(tiny['config.json']!.toString()), 'config.json');
  const read = async (folder: string) => {
    const tokenizer = await Tokenizer.load(folder, model);
    const ids = tokenizer.encodePrompt(TEXT);
    tokenizer.fitPrompt(TEXT.repeat(5), 'auto', Math.max(8, tokenizer.leastRoom()));
    tokenizer.decode([...ids, ...tokenizer.encodeCompletion(TEXT)]);
    tokenizer.pieces(ids.slice(0, 20));
  };
  const settings = (more: object) => ({
    ...JSON.parse(tiny['tokenizer_config.json']!.toString()),
    ...{ add_eos_token: false, additional_special_tokens: ['<|user|>'], unk_token: { content: '<unk>' } },
    ...more,
  });
  const readings: Reading[] = variants(JSON.parse(tiny['tokenizer.json']!.toString())).map((definition, i) => {
    const files: Files = { 'tokenizer.json': json(definition), 'tokenizer_config.json': json(settings({})) };
    return { name: `tokenizer ${i + 1}`, files, damaged: ['tokenizer.json'], read };
  });
  const tokenizer = { 'tokenizer.json': tiny['tokenizer.json']! };
  for (const name of ['cls', 'mean']) {
    const wordPiece = await readFile(fixture(`encoders/${name}/tokenizer.json`));
    const files = { 'tokenizer.json': wordPiece, 'tokenizer_config.json': json(settings({})) };
    readings.push({ name: `word pieces ${name}`, files, read });
  }
  const inline = { 'tokenizer_config.json': json(settings({ chat_template: TEMPLATE })) };
  const list = { chat_template: [{ name: 'default', template: TEMPLATE }] };
  const listed = { 'tokenizer_config.json': json(settings(list)) };
  const own = { 'tokenizer_config.json': json(settings({})), 'chat_template.jinja': Buffer.from(TEMPLATE) };
  for (const [name, files] of Object.entries({ 'a template': inline, templates: listed, 'a template file': own })) {
    readings.push({ name, files: { ...tokenizer, ...files }, damaged: Object.keys(files), read });
  }
  return readings;
};
