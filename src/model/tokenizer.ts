/** Prompts and completions of a Hugging Face folder as token ids, through its chat template where it has one. */

import { join } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { readInputText } from '../common/input-file.ts';
import { setting } from '../common/wording.ts';
import { ChatTemplate } from './chat-template.ts';
import type { ModelConfig } from './config.ts';
import { DEFAULT_PROMPT_DATE } from './prompt-date.ts';
import { TextTokenizer } from './text-tokenizer.ts';
import { readGenerationEnds, specialTokens, type TokenizerSettings } from './tokenizer-files.ts';

/** Whether prompts go through the checkpoint's chat template when it has one. */
export type ChatMode = 'auto' | 'never';

export interface TokenizerOptions {
  /** What chat templates take as today, as YYYY-MM-DD (default: DEFAULT_PROMPT_DATE). */
  readonly promptDate?: string | undefined;
}

/** Ids of a prompt that had to fit, and whether something was cut. */
export interface FittedPrompt {
  readonly ids: readonly number[];
  readonly isCut: boolean;
}

export class Tokenizer {
  /** Ids that end a text. The first one closes every completion in training. */
  readonly endIds: readonly number[];
  readonly #text: TextTokenizer;
  readonly #template: ChatTemplate | undefined;
  /** What the tokenizer itself puts before a text. */
  readonly #prefix: readonly number[];
  readonly #startId: number | undefined;
  readonly #hasStartToken: boolean;
  /** SentencePiece tokenizers put a space before every text themselves. */
  readonly #prependsSpace: boolean;
  #emptyTurn: number | undefined;

  /** What chat templates take as today, as YYYY-MM-DD. */
  readonly promptDate: string;

  private constructor(text: TextTokenizer, template: ChatTemplate | undefined, ends: number[], promptDate: string) {
    this.promptDate = promptDate;
    this.#text = text;
    this.#template = template;
    this.endIds = ends;
    const [bare, framed] = [text.encode('a'), text.encode('a', { framed: true })];
    this.#prefix = prefixOf(bare, framed, ends);
    this.#prependsSpace = text.prependsSpace;
    const { bos_token: bos } = specialTokens(text.settings);
    this.#hasStartToken = bos !== undefined;
    this.#startId = (bos === undefined ? undefined : text.idOf(bos)) ?? ends[0];
  }

  /** @throws IdiolectError TOKENIZER naming the file that is missing or malformed */
  static async load(folder: string, config: ModelConfig, options: TokenizerOptions = {}): Promise<Tokenizer> {
    const ends = [...(await readGenerationEnds(folder)), ...config.eosTokenIds];
    const text = await TextTokenizer.read(folder, ends);
    const { eos_token: eos } = specialTokens(text.settings);
    const ids = [eos === undefined ? undefined : text.idOf(eos), ...ends].filter(id => id !== undefined);
    if (ids.length === 0) {
      throw new IdiolectError(
        'TOKENIZER',
        `${folder}: no end-of-text token. Set eos_token in tokenizer_config.json or eos_token_id in config.json.`,
      );
    }
    const source = await templateSource(folder, text.settings);
    const { promptDate = DEFAULT_PROMPT_DATE } = options;
    const template = source ? new ChatTemplate(source, specialTokens(text.settings), promptDate, folder) : undefined;
    return new Tokenizer(text, template, [...new Set(ids)], promptDate);
  }

  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * Ids of a prompt, at least one. With a chat template the prompt becomes the user's turn and the assistant's turn
   * is opened; else the tokenizer's own start token is put before it. Nothing in the prompt is read as a control token.
   */
  encodePrompt(prompt: string, chat: ChatMode = 'auto'): number[] {
    const ids = this.#usesTemplate(chat) ? this.#encodeTurn(prompt) : [...this.#prefix, ...this.#text.encode(prompt)];
    if (ids.length > 0) return ids;
    if (this.#startId !== undefined) return [this.#startId];
    throw new IdiolectError('TOKENIZER', 'an empty prompt needs a start token, and the tokenizer has none.');
  }

  /** Tokens that `fitPrompt` needs at least: a chat template is never cut. */
  leastRoom(chat: ChatMode = 'auto'): number {
    if (!this.#usesTemplate(chat)) return 1;
    this.#emptyTurn ??= this.#encodeTurn('').length;
    return this.#emptyTurn;
  }

  /**
   * The same in at most `room` tokens. What is too long loses its beginning: in a chat template the text of the turn
   * does, else the prompt, which keeps its start token while two tokens fit.
   *
   * @throws IdiolectError CONFIG where a chat template alone does not fit
   */
  fitPrompt(prompt: string, chat: ChatMode = 'auto', room: number): FittedPrompt {
    const ids = this.encodePrompt(prompt, chat);
    if (ids.length <= room) return { ids, isCut: false };
    if (this.#usesTemplate(chat)) return { ids: this.#cutTurn(prompt, room), isCut: true };
    const start = this.startsWithBos(ids) && room > 1 ? ids.slice(0, 1) : [];
    return { ids: [...start, ...ids.slice(ids.length - room + start.length)], isCut: true };
  }

  /**
   * Ids of what follows a prompt, closed by the end token. A plain prompt ends in a word or a colon, so its completion
   * starts with the space that follows in ordinary text; a chat template brings its own separator.
   */
  encodeCompletion(completion: string, chat: ChatMode = 'auto'): number[] {
    const spaced = this.#usesTemplate(chat) || this.#prependsSpace ? completion : ` ${completion}`;
    return [...this.#text.encode(spaced), this.endIds[0]!];
  }

  /** Whether a prompt of ids begins with the start token; kept when a prompt is cut from the left. */
  startsWithBos(ids: readonly number[]): boolean {
    return ids[0] !== undefined && ids[0] === this.#startId && this.#hasStartToken;
  }

  /** @throws IdiolectError CONFIG for a prompt template in which a control token is written out: it would be plain text */
  requirePlain(template: string): void {
    const token = this.#text.control.findIn(template);
    if (token === undefined) return;
    throw new IdiolectError(
      'CONFIG',
      `${setting('template')} has the control token ${token} in it, which prompts cannot contain. ` +
        'Leave it out; turns of a conversation are written by the chat_template.jinja in the model folder.',
    );
  }

  decode(ids: readonly number[]): string {
    return ids.length === 0 ? '' : this.#text.decode(ids, { special: false });
  }

  /**
   * What each token adds to the text, special tokens by their names. A character of several tokens is its last
   * token's; those before it are U+FFFD. A first token may lose
   * its space, as in `decode`.
   */
  pieces(ids: readonly number[]): string[] {
    let before = '';
    return ids.map((_, i) => {
      const text = this.#text.decode(ids.slice(0, i + 1), { special: true });
      let kept = 0;
      while (kept < before.length && text[kept] === before[kept]) kept++;
      before = text;
      return text.slice(kept) || '\ufffd';
    });
  }

  #usesTemplate(chat: ChatMode): boolean {
    return this.#template !== undefined && chat === 'auto';
  }

  #encodeTurn(prompt: string): number[] {
    const { control } = this.#text;
    return this.#text.encodeNamed(control.renderText(prompt.toWellFormed(), text => this.#template!.render(text)));
  }

  /** The turn with as much of the text's end as has room. */
  #cutTurn(prompt: string, room: number): number[] {
    const text = prompt.toWellFormed();
    const turnFrom = (start: number) => {
      const isWithinPair = text.codePointAt(start - 1)! > 0xffff;
      return this.#encodeTurn(text.slice(isWithinPair ? start + 1 : start));
    };
    let cut = text.length;
    let turn = turnFrom(cut);
    if (turn.length > room) {
      throw new IdiolectError(
        'CONFIG',
        `the chat template alone takes ${turn.length} tokens, and there is room for ${room}. ` +
          'Raise `maxLength`, or use `chat` never.',
      );
    }
    let over = 0;
    // From the end in doubling steps first: to encode a long text whole at every step would take long.
    for (let size = room; size < text.length; size *= 2) {
      const longer = turnFrom(text.length - size);
      if (longer.length > room) {
        over = text.length - size;
        break;
      }
      [cut, turn] = [text.length - size, longer];
    }
    while (cut - over > 1) {
      const middle = (over + cut) >>> 1;
      const between = turnFrom(middle);
      if (between.length > room) over = middle;
      else [cut, turn] = [middle, between];
    }
    return turn;
  }
}

/** What a tokenizer puts before a text. What it puts after one would end the prompt before its answer begins. */
function prefixOf(bare: readonly number[], framed: readonly number[], ends: readonly number[]): number[] {
  if (bare.length === 0) return framed.filter(id => !ends.includes(id));
  const start = framed.findIndex((_, i) => bare.every((id, j) => framed[i + j] === id));
  return framed.slice(0, Math.max(0, start));
}

/** A file of its own has precedence over the setting, as in transformers; of several named templates `default` is meant. */
async function templateSource(
  folder: string,
  { chat_template: inline }: TokenizerSettings,
): Promise<string | undefined> {
  const file = join(folder, 'chat_template.jinja');
  if (await exists(file)) return readInputText(file, { code: 'TOKENIZER' });
  if (typeof inline === 'string') return inline;
  return inline?.find(({ name }) => name === 'default')?.template;
}
