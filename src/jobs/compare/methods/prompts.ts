/** The prompt of each method: the request alone, after retrieved records, or after a description of the user. */
import { join } from 'node:path';
import {
  capWords,
  type HistoryRecord,
  renderPrompt,
  templateText,
  withExamples,
  withoutInstruction,
  withProfile,
} from '../../../histories/index.ts';
import type { LanguageModel } from '../../../language-model/language-model.ts';
import type { Embedder } from '../../../overlap/embedder.ts';
import { openEmbedder } from '../../../overlap/open-embedder.ts';
import type { MethodSpec } from './catalogue.ts';
import { userProfile } from './profiles.ts';
import { bm25Retriever, denseRetriever, type Retriever } from './retrieval.ts';
import type { MethodSettings } from './settings.ts';

/**
 * A prompt, and how much of the text before the request was found and shown: in records, or in words of the profile.
 */
export interface Prompt {
  readonly text: string;
  readonly shown?: number;
  readonly found?: number;
}

export interface PromptContext {
  readonly settings: MethodSettings & { readonly maxTokens: number };
  /** Writes the profiles. */
  readonly base: LanguageModel;
  /** Its hidden states find records for dense retrieval. */
  readonly task: LanguageModel;
  /** The earlier records every method learns from. */
  readonly historyOf: (user: string) => readonly HistoryRecord[];
  readonly signal: AbortSignal | undefined;
}

export interface PromptChoices {
  /** Records in the prompt of rag. */
  readonly retrieved: number;
  readonly profileRecords: number;
}

/** The user and kind of a prompt, and the model that will read it. */
export interface PromptFor {
  readonly kind: MethodSpec['prompt'];
  readonly model: LanguageModel;
  readonly user: string;
  readonly choices: PromptChoices;
}

const wordCount = (text: string) => text.split(/\s+/).filter(Boolean).length;

export class Prompts {
  readonly #context: PromptContext;
  readonly #retrievers = new Map<string, Retriever>();
  #embedder: Promise<Embedder> | undefined;

  constructor(context: PromptContext) {
    this.#context = context;
    context.base.tokenizer.requirePlain(templateText(context.settings.template));
  }

  /** Longest sequence in tokens, prompt and answer together. */
  get maxLength(): number {
    const { settings, base } = this.#context;
    return Math.min(settings.maxLength, base.checkpoint.config.maxPositions);
  }

  /** Whether the model reads the whole prompt; the beginning of a longer one is cut. */
  fits(model: LanguageModel, prompt: string): boolean {
    const { chat, maxTokens } = this.#context.settings;
    const room = model.promptRoom({ maxTokens, maxLength: this.maxLength });
    return model.tokenizer.encodePrompt(prompt, chat).length <= room;
  }

  /**
   * Shortens what comes before the request until the prompt fits, as its beginning would be cut otherwise: fewer
   * records, the best one last, or fewer words of a profile.
   */
  async of({ kind, model, user, choices }: PromptFor, query: HistoryRecord): Promise<Prompt> {
    const request = renderPrompt(this.#context.settings.template, query);
    switch (kind) {
      case 'plain':
        return { text: request };
      case 'examples': {
        const found = await (await this.#retriever(user))(this.#subject(query).input, choices.retrieved);
        let shown = found.toReversed();
        while (shown.length > 0 && !this.fits(model, withExamples(request, shown))) shown = shown.slice(1);
        return { text: withExamples(request, shown), shown: shown.length, found: found.length };
      }
      case 'profile': {
        let profile = await this.#profile(user, choices);
        const found = wordCount(profile);
        let words = found;
        while (words > 0 && !this.fits(model, withProfile(request, profile))) profile = capWords(profile, --words);
        return { text: withProfile(request, profile), shown: words, found };
      }
      default:
        return kind satisfies never;
    }
  }

  async close(): Promise<void> {
    await (await this.#embedder)?.close();
  }

  /**
   * Without the instruction that a benchmark's inputs open with: it is the same in all, and would take up the room of
   * examples.
   */
  #subject(record: HistoryRecord): HistoryRecord {
    const { task } = this.#context.settings;
    return task === undefined ? record : { ...record, input: withoutInstruction(task, record.input) };
  }

  async #retriever(user: string): Promise<Retriever> {
    const known = this.#retrievers.get(user);
    if (known) return known;
    const { settings, task, historyOf } = this.#context;
    const records = historyOf(user).map(record => this.#subject(record));
    let retriever: Retriever;
    if (settings.retriever === 'bm25') retriever = bm25Retriever(records);
    else {
      this.#embedder ??= openEmbedder({ ...settings, maxLength: this.maxLength }, task);
      retriever = denseRetriever(records, await this.#embedder);
    }
    this.#retrievers.set(user, retriever);
    return retriever;
  }

  #profile(user: string, { profileRecords }: PromptChoices): Promise<string> {
    const { settings, base, historyOf, signal } = this.#context;
    const { out, seed, chat } = settings;
    const folder = join(out, 'profiles', String(profileRecords));
    const options = { folder, records: profileRecords, seed, chat, ...(signal && { signal }) };
    return userProfile(base, user, historyOf(user), options);
  }
}
