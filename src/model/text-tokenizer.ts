/** A tokenizer.json as a function from text to ids and back, in which no text makes a control token. */
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { withinTime } from '../common/time-limit.ts';
import { ControlTokens, isControl } from './control-tokens.ts';
import {
  hasPatterns,
  namedTokens,
  readDefinition,
  readTokenizerSettings,
  refuse,
  refuseFailed,
  type TokenizerSettings,
} from './tokenizer-files.ts';

/** Milliseconds, far more than any text takes; a pattern that needs longer will not end. */
const LONGEST = 10_000;

/** Of a control token, and of all of them; those in use have less than a hundredth of that. */
const MOST_CHARACTERS = 1_000;
const MOST_IN_ALL = 1_000_000;

export class TextTokenizer {
  readonly settings: TokenizerSettings;
  readonly control: ControlTokens;
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #run: Runner;

  private constructor(
    tokenizer: HuggingFaceTokenizer,
    settings: TokenizerSettings,
    control: ControlTokens,
    run: Runner,
  ) {
    this.settings = settings;
    this.control = control;
    this.#tokenizer = tokenizer;
    this.#run = run;
  }

  /**
   * @param endIds  of tokens that end a text by files beside the tokenizer's
   * @param longest milliseconds that a pattern of the file may take on a text
   * @throws IdiolectError TOKENIZER naming the file that is missing or malformed, and what is wrong with it
   */
  static async read(folder: string, endIds: readonly number[] = [], longest: number = LONGEST): Promise<TextTokenizer> {
    const file = join(folder, 'tokenizer.json');
    const definition = await readDefinition(file);
    const settings = await readTokenizerSettings(folder);
    const named = namedTokens(settings);
    const added = definition.added_tokens.filter(token =>
      isControl(token, named.includes(token.content) || endIds.includes(token.id)),
    );
    const contents = [...added.map(({ content }) => content), ...named.filter(content => isControl({ content }, true))];
    checkControl(file, contents);
    const control = new ControlTokens(contents);
    const run = runner(file, hasPatterns(definition) ? longest : undefined);
    const renamed = control.renamed(definition);
    const tokenizer = run(() => {
      const built = new HuggingFaceTokenizer(renamed, control.renamedSettings(settings));
      const { normalizer } = built;
      if (!normalizer || control.survives(text => normalizer.normalize(text))) return built;
      // A normalizer that takes names apart must not see them.
      const added_tokens = (renamed.added_tokens as object[]).map(token => ({ ...token, normalized: false }));
      return new HuggingFaceTokenizer({ ...renamed, added_tokens }, control.renamedSettings(settings));
    });
    return new TextTokenizer(tokenizer, settings, control, run);
  }

  /** Ids of a person's text; none of them is a control token's, but for those that frame it. */
  encode(text: string, { framed = false }: { framed?: boolean } = {}): number[] {
    return this.encodeNamed(text.toWellFormed(), framed);
  }

  /** Ids of what `control.renderText` gave: names in it are control tokens. */
  encodeNamed(text: string, framed = false): number[] {
    return this.#run(() => this.#tokenizer.encode(text, { add_special_tokens: framed }).ids);
  }

  /** Whether it puts a space before every text, as SentencePiece tokenizers do. */
  get prependsSpace(): boolean {
    return this.#run(() => this.#tokenizer.tokenize('a', { add_special_tokens: false }))[0]?.startsWith('▁') ?? false;
  }

  idOf(token: string): number | undefined {
    return this.#tokenizer.token_to_id(this.control.nameOf(token)) ?? this.#tokenizer.token_to_id(token);
  }

  /** The text of ids, with or without special tokens. */
  decode(ids: readonly number[], { special }: { special: boolean }): string {
    // Cleaning up spaces would rewrite what people write ("a !", "do n't") and take back text already streamed.
    const options = { skip_special_tokens: !special, clean_up_tokenization_spaces: false };
    return this.control.withoutNames(this.#run(() => this.#tokenizer.decode([...ids], options)));
  }
}

/** They become one expression, and the engine refuses one that is too large. */
function checkControl(file: string, contents: readonly string[]): void {
  const longest = contents.reduce((most, { length }) => Math.max(most, length), 0);
  if (longest > MOST_CHARACTERS) {
    refuse(
      file,
      `a special token, there or in tokenizer_config.json, has ${longest} characters; at most ${MOST_CHARACTERS} were expected`,
    );
  }
  const all = contents.reduce((sum, { length }) => sum + length, 0);
  if (all > MOST_IN_ALL) {
    refuse(file, `its special tokens have ${all} characters in all; at most ${MOST_IN_ALL} were expected`);
  }
}

type Runner = <T>(work: () => T) => T;

/** Runs work of the library's: whatever it throws, or never ends, is the file's fault and said of it. */
function runner(file: string, longest: number | undefined): Runner {
  return work => {
    let done: { readonly result: ReturnType<typeof work> } | null;
    try {
      done = longest === undefined ? { result: work() } : withinTime(longest, work);
    } catch (error) {
      return refuseFailed(file, error);
    }
    return done ? done.result : refuse(file, `a pattern in it takes more than ${Number(longest) / 1000} s on one text`);
  };
}
