/** Token-by-token decoding with a cache of keys and values. */
import { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { cacheNames, Decoder, decoderInputs, loraInputs } from '../model/decoder.ts';
import type { LoraConfig, LoraMatrices } from '../model/lora.ts';
import type { RopeSource } from '../model/rope.ts';
import { packRows } from './batch.ts';
import { loraFeeds } from './scorer.ts';
import { type EngineOptions, Session } from './session.ts';
import { type Feeds, float32, floats, int64, type Tensor } from './tensor.ts';

/** The decoding graph: new tokens and the cache in, the last token's logits and the longer cache out. */
export function generationGraph(checkpoint: Checkpoint, lora?: LoraConfig): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['sequences']);
  const decoder = new Decoder(g, checkpoint);
  const adapter = lora && loraInputs(g, lora, checkpoint.linears, { dropout: false });
  g.output('logits', decoder.logits(decoder.hidden(inputs, selected, { lora: adapter, cache: true })));
  return g;
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

  static async create(
    checkpoint: Checkpoint,
    engine: EngineOptions,
    rope: RopeSource,
    lora?: LoraConfig,
  ): Promise<Generator> {
    const session = await Session.create(generationGraph(checkpoint, lora), engine, checkpoint.weightsFolder);
    return new Generator(session, rope, checkpoint);
  }

  /**
   * Decodes one sequence.
   *
   * @param prompt   ids of the prompt, at least one
   * @param choose   picks the next id from the logits [vocabSize], or `null` to stop
   * @param matrices of the adapter the generator was made for
   */
  async *decode(
    prompt: readonly number[],
    choose: (logits: Float32Array) => number | null,
    matrices: LoraMatrices = [],
  ): AsyncGenerator<number> {
    const adapter = loraFeeds(matrices);
    let cache = this.#emptyCache();
    let ids = prompt;
    let past = 0;
    while (true) {
      const { feeds } = packRows([ids], this.#rope, past);
      const results = await this.#session.run({ ...feeds, ...adapter, ...cache, selected: int64([ids.length - 1]) });
      past += ids.length;
      const next = choose(floats(results.logits!));
      if (next === null) return;
      yield next;
      cache = this.#nextCache(results);
      ids = [next];
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #emptyCache(): Feeds {
    const { layers, kvHeads, headDim } = this.#checkpoint.config;
    const empty = float32(new Float32Array(0), [1, kvHeads, 0, headDim]);
    return Object.fromEntries(
      Array.from({ length: layers }, (_, layer) => cacheNames(layer).past.map(name => [name, empty] as const)).flat(),
    );
  }

  #nextCache(results: Readonly<Record<string, Tensor>>): Feeds {
    const { layers } = this.#checkpoint.config;
    return Object.fromEntries(
      Array.from({ length: layers }, (_, layer) => {
        const { past, present } = cacheNames(layer);
        return past.map((name, i) => [name, results[present[i]!]!] as const);
      }).flat(),
    );
  }
}
