/**
 * Keeps control tokens out of people's texts. A tokenizer turns `<|im_end|>` into the token that ends a turn wherever it
 * finds those characters, so a text could close its own turn and open another. Here every control token gets a name
 * that no text can contain, in the tokenizer's own definition; what a chat template writes is renamed likewise.
 */
type Json = Record<string, unknown>;

/** An entry of added_tokens. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean | undefined;
  readonly normalized?: boolean | undefined;
}

/**
 * The first character of a control token's name: the first half of a surrogate pair without the second, which
 * well-formed text does not contain. (The second half would not do: it is the end of other characters.)
 */
const MARK = '\ud800';
const MARKS = /\ud800/gu;

/** A noncharacter of Unicode; a run of it that a text does not have fences what is hidden in that text. */
const NONCHARACTER = '\ufdd0';

/** `<think>`, `[INST]`, `{{eot}}`: what is added to a vocabulary as a word or a run of spaces looks otherwise. */
const IN_BRACKETS = /^[<[{|].*[\p{L}\p{N}].*[>\]}|]$/su;

/** A text must be able to have these whatever a configuration calls them; some name "!" as padding. */
const PRINTABLE_ASCII = /^[ -~]$/;

/**
 * Whether text may not make this token. Words and runs of spaces that were added to a vocabulary are part of how the
 * model reads text; they stay.
 *
 * @param named by the settings as a start, end or other special token
 */
export function isControl({ content, special }: Omit<AddedToken, 'id'>, named = false): boolean {
  return content !== '' && !PRINTABLE_ASCII.test(content) && (named || special === true || IN_BRACKETS.test(content));
}

export class ControlTokens {
  /** Contents and their places, the longest first, as tokenizers prefer them. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #contents: readonly string[];
  readonly #pattern: RegExp | undefined;

  constructor(contents: Iterable<string>) {
    this.#contents = [...new Set(contents)].sort((a, b) => b.length - a.length);
    this.#places = new Map(this.#contents.map((content, place) => [content, place]));
    const escaped = this.#contents.map(content => content.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    this.#pattern = escaped.length > 0 ? new RegExp(escaped.join('|'), 'g') : undefined;
  }

  /** The first control token that is written out in a text. */
  findIn(text: string): string | undefined {
    return this.#pattern && text.match(this.#pattern)?.[0];
  }

  /**
   * Renders a person's text by a template: control tokens in the text come out as the characters they are written with,
   * those that the template writes come out under their names.
   */
  renderText(text: string, render: (text: string) => string): string {
    if (!this.#pattern) return render(text);
    let fence = NONCHARACTER;
    while (text.includes(fence)) fence += NONCHARACTER;
    // Numbers between fences stand in for them, so that the template can trim and split the text as it always does.
    const hidden = text.replace(this.#pattern, content => `${fence}${this.#places.get(content)}${fence}`);
    const rendered = render(hidden).replace(this.#pattern, content => MARK + content);
    return rendered.replace(new RegExp(`${fence}(\\d+)${fence}`, 'g'), (_, place) => this.#contents[Number(place)]!);
  }

  /** What a token is called in the renamed definition. */
  nameOf(token: string): string {
    return this.#places.has(token) ? MARK + token : token;
  }

  /** Text with the names of control tokens in it, as it is written. */
  withoutNames(text: string): string {
    return text.replace(MARKS, '');
  }

  /** Whether a normalizer leaves the names recognisable. */
  survives(normalize: (text: string) => string): boolean {
    return this.#contents.every(content => normalize(MARK + content).includes(MARK));
  }

  /** A tokenizer.json in which control tokens go by their names. The vocabulary is changed in place: it is large. */
  renamed(definition: Json): Json {
    return {
      ...definition,
      added_tokens: (definition.added_tokens as AddedToken[]).map(token => ({
        ...token,
        content: this.nameOf(token.content),
      })),
      post_processor: this.#renamedValue(definition.post_processor),
      model: this.#renamedModel(definition.model as Json),
    };
  }

  /** The same for the settings beside it, which repeat some of the tokens. */
  renamedSettings(settings: Json): Json {
    const entries = Object.entries(settings);
    return Object.fromEntries(
      entries.map(([key, value]) => [key, /_tokens?$/.test(key) ? this.#renamedValue(value) : value]),
    );
  }

  #renamedValue(value: unknown): unknown {
    if (typeof value === 'string') return this.nameOf(value);
    if (Array.isArray(value)) return value.map(inner => this.#renamedValue(inner));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.nameOf(key), this.#renamedValue(inner)]),
    );
  }

  /** Unigram and whole-word models, and merges, could find a vocabulary's entry in a text as well. */
  #renamedModel(model: Json): Json {
    const { vocab, merges, unk_token: unknown } = model;
    let words = vocab;
    if (Array.isArray(vocab)) {
      words = vocab.map(([token, score]) => [this.nameOf(token), score]);
    } else {
      const ids = vocab as Record<string, number>;
      for (const content of this.#contents) {
        if (!Object.hasOwn(ids, content)) continue;
        ids[MARK + content] = ids[content]!;
        delete ids[content];
      }
    }
    const joined = (merge: string | string[]) => (typeof merge === 'string' ? merge.split(' ', 2) : merge).join('');
    return {
      ...model,
      vocab: words,
      ...(typeof unknown === 'string' && { unk_token: this.nameOf(unknown) }),
      ...(Array.isArray(merges) && { merges: merges.filter(merge => !this.#places.has(joined(merge))) }),
    };
  }
}
