/** tokenizer.json and the chat template of a Hugging Face folder: text to token ids and back. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import type { ModelConfig } from './config.ts';

type Json = Record<string, unknown>;

/**
 * The tokenizer of a folder and its tokenizer_config.json (empty where there is none).
 *
 * @throws IdiolectError TOKENIZER naming the file that is missing or malformed
 */
export async function readTokenizer(folder: string): Promise<{ tokenizer: HuggingFaceTokenizer; settings: Json }> {
  const file = join(folder, 'tokenizer.json');
  const definition = await readJson(file, true);
  const settings = await readJson(join(folder, 'tokenizer_config.json'), false);
  try {
    return { tokenizer: new HuggingFaceTokenizer(definition, settings), settings };
  } catch (error) {
    throw new IdiolectError('TOKENIZER', `${file} cannot be used as a tokenizer (${reasonOf(error)}).`);
  }
}

/** Whether prompts go through the checkpoint's chat template when it has one. */
export type ChatMode = 'auto' | 'never';

export class Tokenizer {
  /** Ids that end a text. The first one closes every completion in training. */
  readonly endIds: readonly number[];
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #template: Template | undefined;
  readonly #specials: Json;
  readonly #startId: number | undefined;
  /** SentencePiece tokenizers put a space before every text themselves. */
  readonly #prependsSpace: boolean;

  private constructor(tokenizer: HuggingFaceTokenizer, settings: Json, template: Template | undefined, ends: number[]) {
    this.#tokenizer = tokenizer;
    this.#template = template;
    this.#specials = Object.fromEntries(
      ['bos_token', 'eos_token', 'unk_token', 'pad_token'].map(name => [name, tokenText(settings[name])]),
    );
    this.endIds = ends;
    this.#prependsSpace = tokenizer.tokenize('a', { add_special_tokens: false })[0]?.startsWith('▁') ?? false;
    const bos = tokenText(settings.bos_token);
    this.#startId = (bos === undefined ? undefined : tokenizer.token_to_id(bos)) ?? ends[0];
  }

  /** @throws IdiolectError TOKENIZER naming the file that is missing or malformed */
  static async load(folder: string, config: ModelConfig): Promise<Tokenizer> {
    const { tokenizer, settings } = await readTokenizer(folder);
    const generation = await readJson(join(folder, 'generation_config.json'), false);
    const eos = tokenText(settings.eos_token);
    const ids = [
      eos === undefined ? undefined : tokenizer.token_to_id(eos),
      ...[generation.eos_token_id ?? []].flat(),
      ...config.eosTokenIds,
    ].filter(id => typeof id === 'number');
    if (ids.length === 0) {
      throw new IdiolectError(
        'TOKENIZER',
        `${folder}: no end-of-text token. Set eos_token in tokenizer_config.json or eos_token_id in config.json.`,
      );
    }
    const inline = inlineTemplate(settings.chat_template);
    const source = inline ?? (await readFile(join(folder, 'chat_template.jinja'), 'utf8').catch(() => undefined));
    return new Tokenizer(tokenizer, settings, source ? parseTemplate(source, folder) : undefined, [...new Set(ids)]);
  }

  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * Ids of a prompt, at least one. With a chat template the prompt becomes the user's turn and the assistant's turn
   * is opened; else the tokenizer's own start token is put before it.
   */
  encodePrompt(prompt: string, chat: ChatMode = 'auto'): number[] {
    const ids = this.#usesTemplate(chat)
      ? this.#tokenizer.encode(this.#renderChat(prompt), { add_special_tokens: false }).ids
      : this.#tokenizer.encode(prompt).ids;
    if (ids.length > 0) return ids;
    if (this.#startId !== undefined) return [this.#startId];
    throw new IdiolectError('TOKENIZER', 'an empty prompt needs a start token, and the tokenizer has none.');
  }

  /**
   * Ids of what follows a prompt, closed by the end token. A plain prompt ends in a word or a colon, so its completion
   * starts with the space that follows in ordinary text; a chat template brings its own separator.
   */
  encodeCompletion(completion: string, chat: ChatMode = 'auto'): number[] {
    const spaced = this.#usesTemplate(chat) || this.#prependsSpace ? completion : ` ${completion}`;
    return [...this.#tokenizer.encode(spaced, { add_special_tokens: false }).ids, this.endIds[0]!];
  }

  /** The start token, when a prompt of ids begins with it; kept when a prompt is cut from the left. */
  startsWithBos(ids: readonly number[]): boolean {
    return ids[0] !== undefined && ids[0] === this.#startId && typeof this.#specials.bos_token === 'string';
  }

  decode(ids: readonly number[]): string {
    if (ids.length === 0) return '';
    // Cleaning up spaces would rewrite what people write ("a !", "do n't") and take back text already streamed.
    const options = { skip_special_tokens: true, clean_up_tokenization_spaces: false };
    return this.#tokenizer.decode([...ids], options);
  }

  /**
   * What each token adds to the text, special tokens by their names. A character of several tokens is its last
   * token's; those before it are U+FFFD. A first token may lose
   * its space, as in `decode`.
   */
  pieces(ids: readonly number[]): string[] {
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    let before = '';
    return ids.map((_, i) => {
      const text = this.#tokenizer.decode(ids.slice(0, i + 1), options);
      let kept = 0;
      while (kept < before.length && text[kept] === before[kept]) kept++;
      before = text;
      return text.slice(kept) || '\ufffd';
    });
  }

  #usesTemplate(chat: ChatMode): boolean {
    return this.#template !== undefined && chat === 'auto';
  }

  #renderChat(prompt: string): string {
    try {
      return this.#template!.render({
        ...this.#specials,
        messages: [{ role: 'user', content: prompt }],
        add_generation_prompt: true,
        // Llama 3's templates print today's date unless given one; prompts must not change from day to day.
        date_string: '26 Jul 2024',
      });
    } catch (error) {
      throw new IdiolectError(
        'TOKENIZER',
        `the chat template failed (${reasonOf(error)}). Use --chat never without it.`,
      );
    }
  }
}

/** One template, or a list of named ones of which `default` is meant. */
function inlineTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const named = Array.isArray(value) ? value.find(entry => entry?.name === 'default')?.template : undefined;
  return typeof named === 'string' ? named : undefined;
}

function parseTemplate(source: string, folder: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw new IdiolectError('TOKENIZER', `${folder}: the chat template cannot be read (${reasonOf(error)}).`);
  }
}

/** Special tokens are written as a string or as an object around it. */
function tokenText(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

async function readJson(file: string, required: boolean): Promise<Json> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    if (!required) return {};
    throw new IdiolectError('TOKENIZER', `${file} is missing. The model folder needs its tokenizer.`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new IdiolectError('TOKENIZER', `${file} is not JSON (${reasonOf(error)}).`);
  }
}
