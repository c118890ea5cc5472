/** A loaded model: tokenizer, weights in place, and the sessions opened on them so far. */

import { IdiolectError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { Adapter } from '../model/adapter.ts';
import { readAdapter } from '../model/adapter.ts';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts';
import type { LoraConfig } from '../model/lora.ts';
import { type RopeSource, ropeSource } from '../model/rope.ts';
import { type ChatMode, Tokenizer } from '../model/tokenizer.ts';
import type { TokenSequence } from './batch.ts';
import { Generator } from './generator.ts';
import { HiddenStates } from './hidden-states.ts';
import { type SamplingOptions, sampleToken } from './sampler.ts';
import { type Score, Scorer } from './scorer.ts';
import { defaultEngine, type EngineOptions } from './session.ts';

export interface EncodeOptions {
  /** Longest sequence in tokens, prompt and completion together. */
  readonly maxLength: number;
  readonly chat?: ChatMode;
}

/** A sequence and what had to be cut to make it fit. */
export interface EncodedExample extends TokenSequence {
  readonly promptCut: boolean;
  readonly completionCut: boolean;
}

export interface GenerateOptions extends SamplingOptions {
  readonly maxTokens: number;
  readonly random: Random;
  readonly adapter?: Adapter;
  readonly chat?: ChatMode;
  readonly signal?: AbortSignal;
}

export class LanguageModel {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly engine: EngineOptions;
  /** Rotation tables, shared by every session of the model. */
  readonly rope: RopeSource;
  readonly #scorers = new Map<string, Promise<Scorer>>();
  readonly #generators = new Map<string, Promise<Generator>>();
  readonly #hiddenStates = new Map<string, Promise<HiddenStates>>();

  private constructor(checkpoint: Checkpoint, tokenizer: Tokenizer, engine: EngineOptions) {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.engine = engine;
    this.rope = ropeSource(checkpoint.config);
  }

  /** @throws IdiolectError MODEL, CHECKPOINT or TOKENIZER naming what is wrong with the folder */
  static async load(folder: string, engine: EngineOptions = defaultEngine): Promise<LanguageModel> {
    const checkpoint = await openCheckpoint(folder);
    const tokenizer = await Tokenizer.load(folder, checkpoint.config);
    return new LanguageModel(checkpoint, tokenizer, engine);
  }

  async loadAdapter(folder: string): Promise<Adapter> {
    return readAdapter(folder, this.checkpoint);
  }

  /**
   * Token ids of a prompt and its completion, closed by the end token. What is too long loses the prompt's beginning
   * first (its start token stays while two tokens fit); a completion that alone is too long loses its end, and both are told.
   */
  encode(prompt: string, completion: string, { maxLength, chat }: EncodeOptions): EncodedExample {
    if (maxLength < 2) throw new IdiolectError('CONFIG', `the maximum length ${maxLength} must be at least 2 tokens.`);
    const before = this.tokenizer.encodePrompt(prompt, chat);
    const after = this.tokenizer.encodeCompletion(completion, chat);
    const completionIds = after.slice(0, maxLength - 1);
    const promptIds = this.#cutPrompt(before, maxLength - completionIds.length);
    return {
      ids: [...promptIds, ...completionIds],
      promptLength: promptIds.length,
      promptCut: promptIds.length < before.length,
      completionCut: completionIds.length < after.length,
    };
  }

  /** log pi(completion | prompt) of one sequence. */
  async score(sequence: TokenSequence, adapter?: Adapter): Promise<Score> {
    return (await this.#scorer(adapter)).score(sequence, adapter?.matrices);
  }

  /** log pi(token | all before it) of each completion token; their sum is `score`. */
  async tokenLogProbs(sequence: TokenSequence, adapter?: Adapter): Promise<Float32Array> {
    return (await this.#scorer(adapter)).tokenLogProbs(sequence, adapter?.matrices);
  }

  /** Hidden states after the last norm, of the base model, at the completion tokens: [completion tokens, hiddenSize]. */
  async hiddenStates(sequence: TokenSequence): Promise<Float32Array> {
    const session = await cached(this.#hiddenStates, undefined, () =>
      HiddenStates.create(this.checkpoint, this.engine, this.rope),
    );
    return session.run(sequence);
  }

  /** Streams the text that follows a prompt, piece by piece, until an end token or maxTokens. */
  async *generate(prompt: string, options: GenerateOptions): AsyncGenerator<string> {
    const { adapter, random, maxTokens, signal } = options;
    const generator = await cached(this.#generators, adapter?.config, lora =>
      Generator.create(this.checkpoint, this.engine, this.rope, lora),
    );
    const { maxPositions } = this.checkpoint.config;
    // A long answer may not push the prompt out: half the positions stay the prompt's.
    const room = Math.max(Math.ceil(maxPositions / 2), maxPositions - maxTokens);
    const ids = this.#cutPrompt(this.tokenizer.encodePrompt(prompt, options.chat), room);
    const produced: number[] = [];
    const choose = (logits: Float32Array): number | null => {
      if (signal?.aborted || produced.length >= maxTokens || ids.length + produced.length >= maxPositions) return null;
      const next = sampleToken(logits, options, random);
      return this.tokenizer.endIds.includes(next) ? null : next;
    };
    let told = '';
    for await (const id of generator.decode(ids, choose, adapter?.matrices)) {
      produced.push(id);
      const text = this.tokenizer.decode(produced).trimStart();
      // The last character may still be waiting for its other bytes.
      if (text.endsWith('\uFFFD') || !text.startsWith(told) || text.length === told.length) continue;
      yield text.slice(told.length);
      told = text;
    }
    const text = this.tokenizer.decode(produced).trimStart();
    if (text.length > told.length) yield text.slice(told.length);
  }

  /** Frees the sessions. The model can be used again; sessions open anew. */
  async close(): Promise<void> {
    const kinds = [this.#scorers, this.#generators, this.#hiddenStates];
    const open = kinds.flatMap(sessions => [...sessions.values()]);
    for (const sessions of kinds) sessions.clear();
    for (const session of open) await (await session).release();
  }

  #scorer(adapter: Adapter | undefined): Promise<Scorer> {
    return cached(this.#scorers, adapter?.config, lora => Scorer.create(this.checkpoint, this.engine, this.rope, lora));
  }

  #cutPrompt(ids: readonly number[], room: number): readonly number[] {
    if (ids.length <= room) return ids;
    return this.tokenizer.startsWithBos(ids) && room > 1
      ? [ids[0]!, ...ids.slice(ids.length - room + 1)]
      : ids.slice(ids.length - room);
  }
}

/** A session serves every adapter of the same settings, as the matrices are its inputs. */
function cached<T>(
  sessions: Map<string, Promise<T>>,
  lora: LoraConfig | undefined,
  open: (lora: LoraConfig | undefined) => Promise<T>,
): Promise<T> {
  const key = JSON.stringify(lora ?? null);
  let session = sessions.get(key);
  if (!session) {
    session = open(lora);
    sessions.set(key, session);
  }
  return session;
}
