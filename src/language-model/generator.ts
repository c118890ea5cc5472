/** Token-by-token decoding of many sequences at once, with a cache of keys and values. */

import { isDeepStrictEqual } from 'node:util';
import { IdiolectError } from '../common/errors.ts';
import type { Session } from '../engine/session.ts';
import { floats, int64 } from '../engine/tensor.ts';
import { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { CACHE_LENGTHS, Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import { frozenWeights } from '../model/frozen-weights.ts';
import type { LoraConfig, LoraMatrices } from '../model/lora.ts';
import type { RopeSource } from '../model/rope.ts';
import { packRows } from './batch.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { openSession, type RunnableModel } from './model-session.ts';
import { StackedAdapters } from './stacked-adapters.ts';

/**
 * Prompts are run together while their places (sequences * longest) stay below this, which bounds the memory of
 * attention scores.
 */
const PLACES_AT_ONCE = 2048;

/** The decoding graph: new tokens and the cache in, the last token's logits and the new keys and values out. */
export function generationGraph(checkpoint: Checkpoint, lora?: LoraConfig): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['sequences']);
  const cacheLengths = g.input(CACHE_LENGTHS, 'int64', ['sequences']);
  const decoder = new Decoder(g, frozenWeights(g, checkpoint));
  const adapter = lora && loraInputs(g, lora, checkpoint.linears, { dropout: false, stacked: true });
  g.output('logits', decoder.logits(decoder.hidden(inputs, selected, { lora: adapter, cacheLengths })));
  return g;
}

/** A sequence to decode. */
export interface DecodingTask {
  /** Ids of the prompt, at least one. */
  readonly prompt: readonly number[];
  /** The adapter's matrices; absent where the generator was made without an adapter. */
  readonly matrices?: LoraMatrices;
  /** Picks the next id from the logits [vocabSize], or `null` to end here; `base` are the logits without the adapter. */
  choose(logits: Float32Array, base?: Float32Array): number | null;
}

/** The id that continues a sequence, or `null` where it ended. */
export interface DecodedToken {
  readonly task: number;
  readonly id: number | null;
}

export interface DecodingOptions {
  /** The most sequences decoded together. */
  readonly batchSize: number;
  /** Also run each sequence without its adapter, and pass those logits to `choose` as `base`. */
  readonly contrast?: boolean;
}

/** A sequence in the batch. */
interface Active {
  readonly index: number;
  readonly task: DecodingTask;
  /** Tokens to run next: the whole prompt, then one. */
  next: readonly number[];
}

/**
 * A sequence's lanes are its runs side by side, with its adapter and, for contrast, without; each lane has a slot of
 * the cache.
 */
interface Lanes {
  readonly count: 1 | 2;
  readonly cache: KeyValueCache;
  readonly adapters: StackedAdapters;
}

export class Generator {
  readonly #session: Session;
  readonly #rope: RopeSource;
  readonly #checkpoint: Checkpoint;

  private constructor(session: Session, rope: RopeSource, checkpoint: Checkpoint) {
    this.#session = session;
    this.#rope = rope;
    this.#checkpoint = checkpoint;
  }

  static async create(model: RunnableModel, lora?: LoraConfig): Promise<Generator> {
    const { checkpoint, rope } = model;
    return new Generator(await openSession(model, generationGraph(checkpoint, lora)), rope, checkpoint);
  }

  /**
   * Decodes sequences, each to its own end. A sequence that ends gives its place to the next one waiting, which keeps
   * the batch full. A prompt that occurs several times in a row, with the same adapter or none, is run once for all of
   * them.
   *
   * The logits of a sequence do not depend on the rest of the batch, except for rounding: products of more rows, and
   * softmaxes over a cache with more unused room, may be summed in a different order.
   */
  async *decode(
    tasks: readonly DecodingTask[],
    { batchSize, contrast = false }: DecodingOptions,
  ): AsyncGenerator<DecodedToken> {
    const count = contrast ? 2 : 1;
    const cache = new KeyValueCache(this.#checkpoint.config, Math.min(batchSize, tasks.length) * count);
    const lanes: Lanes = { count, cache, adapters: new StackedAdapters() };
    const waiting = groupsOfPrompts(tasks, batchSize).reverse();
    const active: Active[] = [];
    while (active.length > 0 || waiting.length > 0) {
      // Prompts that have room are run by themselves; otherwise all sequences advance by a token.
      const joining = takePrompts(waiting, batchSize - active.length, count);
      const first = joining.length > 0 ? active.length : 0;
      active.push(...joining.map(([reader]) => reader!));
      cache.open(joining.length * count);
      const logits = await this.#advance(active.slice(first), first * count, lanes);
      for (const [i, [, ...others]] of joining.entries()) {
        for (const other of others) {
          active.push(other);
          for (let lane = i * count; lane < (i + 1) * count; lane++) {
            cache.fork(first * count + lane);
            logits.push(logits[lane]!);
          }
        }
      }
      const running = active.slice(first);
      const ended: number[] = [];
      for (const [i, sequence] of running.entries()) {
        const id = sequence.task.choose(logits[i * count]!, contrast ? logits[i * count + 1] : undefined);
        if (id === null) ended.push(first + i);
        else sequence.next = [id];
        yield { task: sequence.index, id };
      }
      // Starting from the last, as the last sequence moves into the place of one that ended.
      for (const i of ended.reverse()) {
        for (let lane = count - 1; lane >= 0; lane--) cache.close(i * count + lane);
        active[i] = active.at(-1)!;
        active.pop();
      }
    }
  }

  /**
   * Runs the next tokens of these sequences, whose slots begin at `first`; returns logits [vocabSize] for each lane of
   * each sequence.
   *
   * @throws IdiolectError ENGINE where a logit is not a finite number
   */
  async #advance(
    sequences: readonly Active[],
    first: number,
    { count, cache, adapters }: Lanes,
  ): Promise<Float32Array[]> {
    const rows = sequences.flatMap(({ next }) => Array.from({ length: count }, () => next));
    const { feeds, tokens } = packRows(rows, this.#rope, cache.lengths.slice(first));
    const lengths = rows.map(ids => ids.length);
    const lastRows: number[] = [];
    for (const length of lengths) lastRows.push((lastRows.at(-1) ?? -1) + length);
    const results = await this.#session.run({
      ...feeds,
      ...(sequences[0]!.task.matrices && adapters.feeds(adapterOfRow(sequences, count, tokens))),
      ...cache.feeds(first),
      selected: int64(lastRows),
    });
    cache.append(results, first, lengths);
    const { vocabSize } = this.#checkpoint.config;
    const logits = floats(results.logits!);
    return rows.map((_, lane) => finite(logits.subarray(lane * vocabSize, (lane + 1) * vocabSize)));
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Refuses logits that are not finite. Otherwise a broken model would write nothing, as an arg-max over NaN is still a
 * token.
 */
function finite(logits: Float32Array): Float32Array {
  const id = logits.findIndex(value => !Number.isFinite(value));
  if (id < 0) return logits;
  throw new IdiolectError(
    'ENGINE',
    `the model computed logits that are not finite numbers (${logits[id]} for token ${id}); no text can be made from them. ` +
      'Its weights or the adapter are damaged or have diverged: try without the adapter, or train it at a lower `lr`.',
  );
}

/** Groups consecutive sequences with the same prompt and adapter, up to the number that can run together. */
function groupsOfPrompts(tasks: readonly DecodingTask[], batchSize: number): Active[][] {
  const groups: Active[][] = [];
  for (const [index, task] of tasks.entries()) {
    const sequence: Active = { index, task, next: task.prompt };
    const group = groups.at(-1);
    const first = group?.[0]?.task;
    const isSame = first?.matrices === task.matrices && isDeepStrictEqual(first?.prompt, task.prompt);
    if (group && isSame && group.length < batchSize) group.push(sequence);
    else groups.push([sequence]);
  }
  return groups;
}

/**
 * Takes the groups to run next from the end of `waiting`: no more than there is room for, but at least one where
 * nothing is running. A group waits until there is room for all of it, since otherwise its prompt would be run again
 * for the rest.
 */
function takePrompts(waiting: Active[][], room: number, lanes: number): Active[][] {
  const taken: Active[][] = [];
  let longest = 0;
  let left = room;
  while (waiting.length > 0) {
    const group = waiting.at(-1)!;
    longest = Math.max(longest, group[0]!.next.length);
    if (group.length > left || (taken.length > 0 && (taken.length + 1) * lanes * longest > PLACES_AT_ONCE)) break;
    taken.push(waiting.pop()!);
    left -= group.length;
  }
  return taken;
}

/** The adapter of each packed row: the sequence's own for its first lane, none for its second lane or a dummy row. */
function adapterOfRow(sequences: readonly Active[], lanes: number, tokens: number): (LoraMatrices | null)[] {
  const rows: (LoraMatrices | null)[] = [];
  for (const { task, next } of sequences) {
    for (let lane = 0; lane < lanes; lane++) for (const _ of next) rows.push(lane === 0 ? task.matrices! : null);
  }
  while (rows.length < tokens) rows.push(null);
  return rows;
}
