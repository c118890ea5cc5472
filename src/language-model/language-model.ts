/** A loaded model: its tokenizer, its weights, and the sessions opened on them so far. */

import { isDeepStrictEqual } from 'node:util';
import { counted } from '../common/counted.ts';
import { IdiolectError, invariant } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import { stopIfAsked } from '../common/stop.ts';
import { defaultEngine, type EngineOptions, type Session } from '../engine/session.ts';
import { resolveModel } from '../hub/hub.ts';
import { type Adapter, readAdapter } from '../model/adapter.ts';
import { type Checkpoint, openCheckpoint } from '../model/checkpoint.ts';
import type { LoraConfig } from '../model/lora.ts';
import { type RopeSource, ropeSource } from '../model/rope.ts';
import { type ChatMode, Tokenizer, type TokenizerOptions } from '../model/tokenizer.ts';
import type { TokenSequence } from './batch.ts';
import { calibrationSequences } from './calibration-texts.ts';
import { scoreCandidates } from './candidates.ts';
import { type ContrastOptions, contrastiveScores } from './contrast.ts';
import { type DecodingTask, Generator } from './generator.ts';
import { HiddenStates } from './hidden-states.ts';
import { type Int8BaseOptions, withInt8Base } from './int8-base.ts';
import { type ModelEngineOptions, openSession, type RunnableModel } from './model-session.ts';
import { type SamplingOptions, sampleToken } from './sampler.ts';
import { type Score, Scorer, scoringGraph } from './scorer.ts';

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

/** What is used of the tokenizer and, with an 8-bit base, where that is kept. */
export type LoadOptions = TokenizerOptions & Int8BaseOptions;

interface TextOptions extends SamplingOptions {
  /** The most new tokens of a text. */
  readonly maxTokens: number;
  /** Longest sequence in tokens, prompt and text together (default: the model's own limit). */
  readonly maxLength?: number;
  readonly chat?: ChatMode;
  readonly signal?: AbortSignal;
}

/**
 * What was cut: a prompt that is too long, or a text that had not ended at `maxTokens` or at the model's last position.
 */
export type Cut = 'prompt' | 'tokens' | 'positions';

export interface GenerateOptions extends TextOptions {
  readonly random: Random;
  readonly adapter?: Adapter;
  readonly onCut?: (cut: Cut) => void;
}

export interface GenerateAllOptions extends TextOptions {
  /** The random source of each prompt, by index. With a separate stream for each, no text depends on the others. */
  readonly random: (prompt: number) => Random;
  /** One adapter for all prompts, or one for each; all with the same LoRA settings. */
  readonly adapter?: Adapter | readonly Adapter[];
  /** Choose tokens by `contrastiveScores` of the model with and without the adapter, instead of by logits. */
  readonly contrast?: ContrastOptions;
  /** The most texts decoded together; their cache takes 8 * layers * kvHeads * headDim bytes per token of each text. */
  readonly batchSize?: number;
  /** Called with each text as it ends; not in the order of the prompts. */
  readonly onText?: (prompt: number, text: string) => void;
}

export class LanguageModel implements RunnableModel {
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer;
  readonly engine: EngineOptions;
  /** Rotation tables, shared by every session of the model. */
  readonly rope: RopeSource;
  readonly #scorers = new Map<string, Promise<Scorer>>();
  readonly #candidateSessions = new Map<string, Promise<Session>>();
  readonly #generators = new Map<string, Promise<Generator>>();
  readonly #hiddenStates = new Map<string, Promise<HiddenStates>>();
  #isClosed = false;

  private constructor(checkpoint: Checkpoint, tokenizer: Tokenizer, engine: EngineOptions) {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.engine = engine;
    this.rope = ropeSource(checkpoint.config);
  }

  /**
   * @param model a Hugging Face folder, or a name on the Hub, which is downloaded if it is not in the cache
   * @throws IdiolectError MODEL, CHECKPOINT or TOKENIZER naming what is wrong with the folder or the name; DATA where
   *   the model cannot be downloaded; CONFIG where `base` is int8 and this machine cannot compute it
   */
  static async load(
    model: string,
    { device, threads, base }: ModelEngineOptions = defaultEngine,
    options: LoadOptions = {},
  ): Promise<LanguageModel> {
    const engine = { device, threads };
    const folder = await resolveModel(model);
    const checkpoint = await openCheckpoint(folder);
    const tokenizer = await Tokenizer.load(folder, checkpoint.config, options);
    if (base !== 'int8') return new LanguageModel(checkpoint, tokenizer, engine);
    const calibration = calibrationSequences(tokenizer, checkpoint.config);
    return new LanguageModel(await withInt8Base(checkpoint, calibration, engine, options), tokenizer, engine);
  }

  /** Changes with whatever changes a score: the weights, the numbers they are multiplied in, and the device. */
  get numerics(): string {
    const { fingerprint, int8 } = this.checkpoint;
    return [fingerprint.slice(0, 32), ...(int8 ? [`int8.${int8.recipe}`] : []), this.engine.device].join('-');
  }

  async loadAdapter(folder: string): Promise<Adapter> {
    return readAdapter(folder, this.checkpoint);
  }

  /**
   * Token ids of a prompt and its completion, closed by the end token. If it is too long, the beginning of the prompt
   * is cut first (see `Tokenizer.fitPrompt`), and the end of the completion only where that alone is too long. Both
   * cuts are reported.
   *
   * @throws IdiolectError CONFIG for a maximum length without room for the chat template and a token
   */
  encode(prompt: string, completion: string, { maxLength, chat }: EncodeOptions): EncodedExample {
    const least = 1 + this.tokenizer.leastRoom(chat);
    if (maxLength < least) {
      const why = least > 2 ? `: the chat template takes ${least - 1}` : '';
      throw new IdiolectError('CONFIG', `the maximum length ${maxLength} must be at least ${least} tokens${why}.`);
    }
    const after = this.tokenizer.encodeCompletion(completion, chat);
    const completionIds = after.slice(0, maxLength - least + 1);
    const before = this.tokenizer.fitPrompt(prompt, chat, maxLength - completionIds.length);
    return {
      ids: this.#known([...before.ids, ...completionIds]),
      promptLength: before.ids.length,
      promptCut: before.isCut,
      completionCut: completionIds.length < after.length,
    };
  }

  /** log pi(completion | prompt) of one sequence. */
  async score(sequence: TokenSequence, adapter?: Adapter): Promise<Score> {
    return (await this.#scorer(adapter)).score(sequence, adapter?.matrices);
  }

  /** The `score` of each sequence; a prompt that all have in common is run only once. */
  async scoreCandidates(sequences: readonly TokenSequence[], adapter?: Adapter): Promise<Score[]> {
    const split = sequences.map(
      ({ ids, promptLength }) => [ids.slice(0, promptLength), ids.slice(promptLength)] as const,
    );
    const [first] = split;
    if (!first || !split.every(([prompt]) => isDeepStrictEqual(prompt, first[0]))) {
      const scores: Score[] = [];
      for (const sequence of sequences) scores.push(await this.score(sequence, adapter));
      return scores;
    }
    const session = await this.#session(this.#candidateSessions, adapter?.config, lora => {
      const graph = scoringGraph(this.checkpoint, lora, { cached: true });
      return openSession(this, graph);
    });
    const completions = split.map(([, completion]) => completion);
    return scoreCandidates(session, this, first[0], completions, adapter?.matrices);
  }

  /** log pi(token | preceding tokens) of each completion token; their sum is `score`. */
  async tokenLogProbs(sequence: TokenSequence, adapter?: Adapter): Promise<Float32Array> {
    return (await this.#scorer(adapter)).tokenLogProbs(sequence, adapter?.matrices);
  }

  /** Hidden states after the last norm, of the base model, at the completion tokens: [completion tokens, hiddenSize]. */
  async hiddenStates(sequence: TokenSequence): Promise<Float32Array> {
    const session = await this.#session(this.#hiddenStates, undefined, () => HiddenStates.create(this));
    return session.run(sequence);
  }

  /** Streams the text that follows a prompt, piece by piece, until an end token or maxTokens. */
  async *generate(prompt: string, options: GenerateOptions): AsyncGenerator<string> {
    const { adapter, random, onCut } = options;
    const generator = await this.#generator(adapter?.config);
    const { task, produced, isPromptCut, limit } = this.#textTask(prompt, options, random, adapter);
    if (isPromptCut) onCut?.('prompt');
    let told = '';
    for await (const { id } of generator.decode([task], { batchSize: 1 })) {
      const text = this.#textOf(produced);
      // The last character may still be waiting for its other bytes, unless none will come.
      const waits = id !== null && text.endsWith('\uFFFD');
      if (waits || !text.startsWith(told) || text.length === told.length) continue;
      yield text.slice(told.length);
      told = text;
    }
    if (produced.length >= limit) onCut?.(limit === options.maxTokens ? 'tokens' : 'positions');
  }

  /**
   * The texts that follow many prompts, decoded together. Greedy texts are the same as those of `generate`, except
   * where two tokens are equally likely to the last digits; see `Generator.decode`.
   *
   * @throws IdiolectError CONFIG when the adapters do not match the prompts or each other, INTERRUPTED when stopped by
   *   the signal
   */
  async generateAll(prompts: readonly string[], options: GenerateAllOptions): Promise<string[]> {
    const { random, contrast, batchSize = 16, onText, signal } = options;
    const adapters = adapterOfEach(prompts.length, options.adapter);
    if (contrast && options.adapter === undefined) {
      throw new IdiolectError('CONFIG', 'contrastive decoding needs an adapter to compare with the model alone.');
    }
    const generator = await this.#generator(adapters[0]?.config);
    const started = prompts.map((prompt, i) => this.#textTask(prompt, options, random(i), adapters[i], contrast));
    const texts = prompts.map(() => '');
    const tasks = started.map(({ task }) => task);
    for await (const { task, id } of generator.decode(tasks, { batchSize, contrast: contrast !== undefined })) {
      stopIfAsked(signal, 'the texts of this call are lost, and earlier ones are kept');
      if (id !== null) continue;
      texts[task] = this.#textOf(started[task]!.produced);
      onText?.(task, texts[task]!);
    }
    return texts;
  }

  /**
   * The longest prompt in tokens that a text of `maxTokens` can follow; `generate` cuts the beginning of a longer one.
   * A long answer may not crowd out the prompt, which can always have half of the positions.
   */
  promptRoom(options: Pick<TextOptions, 'maxTokens' | 'maxLength'>): number {
    const positions = this.#positions(options);
    return Math.max(Math.ceil(positions / 2), positions - options.maxTokens);
  }

  /** Frees the sessions and their memory. The model stays usable, and opens new sessions when needed. */
  async release(): Promise<void> {
    const kinds = [this.#scorers, this.#candidateSessions, this.#generators, this.#hiddenStates];
    const open = kinds.flatMap(sessions => [...sessions.values()]);
    for (const sessions of kinds) sessions.clear();
    for (const session of open) await (await session).release();
  }

  /** Frees the sessions; the model cannot be used afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.release();
  }

  #positions({ maxLength = Number.POSITIVE_INFINITY }: Pick<TextOptions, 'maxLength'>): number {
    return Math.min(this.checkpoint.config.maxPositions, maxLength);
  }

  #scorer(adapter: Adapter | undefined): Promise<Scorer> {
    return this.#session(this.#scorers, adapter?.config, lora => Scorer.create(this, lora));
  }

  #generator(lora: LoraConfig | undefined): Promise<Generator> {
    return this.#session(this.#generators, lora, () => Generator.create(this, lora));
  }

  /** A session for all adapters with the same settings, as their matrices are its inputs. */
  #session<T>(
    sessions: Map<string, Promise<T>>,
    lora: LoraConfig | undefined,
    open: (lora: LoraConfig | undefined) => Promise<T>,
  ): Promise<T> {
    invariant(!this.#isClosed, `the model ${this.checkpoint.folder} is used after it was closed`);
    const key = JSON.stringify(lora ?? null);
    const session = sessions.get(key) ?? open(lora);
    sessions.set(key, session);
    return session;
  }

  /** A prompt to decode from, and the list to which its chosen ids are added. */
  #textTask(prompt: string, options: TextOptions, random: Random, adapter?: Adapter, contrast?: ContrastOptions) {
    const { maxTokens, signal } = options;
    const positions = this.#positions(options);
    const fitted = this.tokenizer.fitPrompt(prompt, options.chat, this.promptRoom(options));
    const ids = this.#known(fitted.ids);
    const produced: number[] = [];
    const limit = Math.min(maxTokens, positions - ids.length);
    const seen = new Set(ids);
    const choose = (logits: Float32Array, base?: Float32Array): number | null => {
      if (signal?.aborted || produced.length >= limit) return null;
      const scores = contrast ? contrastiveScores(logits, base!, seen, contrast) : logits;
      const next = sampleToken(scores, options, random);
      if (this.tokenizer.endIds.includes(next)) return null;
      produced.push(next);
      seen.add(next);
      return produced.length < limit ? next : null; // nothing is run after the last one
    };
    const task: DecodingTask = { prompt: ids, choose, ...(adapter && { matrices: adapter.matrices }) };
    return { task, produced, limit, isPromptCut: fitted.isCut };
  }

  #textOf(ids: readonly number[]): string {
    return this.tokenizer.decode(ids).trimStart();
  }

  /**
   * Refuses ids beyond the embedding, for which the engine would read outside the table: a tokenizer can have more
   * tokens than the embedding has rows.
   */
  #known(ids: readonly number[]): readonly number[] {
    const { folder, config } = this.checkpoint;
    const beyond = ids.find(id => id >= config.vocabSize);
    if (beyond === undefined) return ids;
    throw new IdiolectError(
      'TOKENIZER',
      `${folder}: tokenizer.json gives the token id ${beyond}, but the model's embedding has ${config.vocabSize} rows ` +
        `(0 to ${config.vocabSize - 1}). Use the tokenizer.json and the weights of the same model.`,
    );
  }
}

function adapterOfEach(prompts: number, adapter: Adapter | readonly Adapter[] | undefined): readonly Adapter[] {
  if (adapter === undefined) return [];
  if (!Array.isArray(adapter)) return new Array<Adapter>(prompts).fill(adapter as Adapter);
  const adapters = adapter as readonly Adapter[];
  if (adapters.length !== prompts) {
    throw new IdiolectError(
      'CONFIG',
      `${counted(adapters.length, 'adapter')} given for ${counted(prompts, 'prompt')}; give one, or one for each.`,
    );
  }
  const settings = new Set(adapters.map(({ config }) => JSON.stringify(config)));
  if (settings.size > 1) {
    throw new IdiolectError(
      'CONFIG',
      `the adapters have ${settings.size} different settings; decode those with the same settings separately.`,
    );
  }
  return adapters;
}
