/** The model's hidden states at each completion token, after the last norm. */

import type { Session } from '../engine/session.ts';
import { floats, int64 } from '../engine/tensor.ts';
import { Graph } from '../graph/index.ts';
import type { Checkpoint } from '../model/checkpoint.ts';
import { Decoder, decoderInputs } from '../model/decoder.ts';
import { frozenWeights } from '../model/frozen-weights.ts';
import type { RopeSource } from '../model/rope.ts';
import { packRows, type TokenSequence } from './batch.ts';
import { openSession, type RunnableModel } from './model-session.ts';

/** The graph of hidden states: the decoder without its head. */
export function hiddenStatesGraph(checkpoint: Checkpoint): Graph {
  const g = new Graph();
  const inputs = decoderInputs(g, checkpoint.config.headDim);
  const selected = g.input('selected', 'int64', ['selected']);
  g.output('hidden', new Decoder(g, frozenWeights(g, checkpoint)).hidden(inputs, selected));
  return g;
}

export class HiddenStates {
  readonly #session: Session;
  readonly #rope: RopeSource;

  private constructor(session: Session, rope: RopeSource) {
    this.#session = session;
    this.#rope = rope;
  }

  static async create(model: RunnableModel): Promise<HiddenStates> {
    return new HiddenStates(await openSession(model, hiddenStatesGraph(model.checkpoint)), model.rope);
  }

  /**
   * Hidden states at the completion tokens, each computed from the prompt and the completion up to that token:
   * [completion tokens, hiddenSize]. One sequence at a time, for the reason `Scorer.score` gives.
   */
  async run({ ids, promptLength }: TokenSequence): Promise<Float32Array> {
    const { feeds } = packRows([ids], this.#rope);
    const rows = Array.from({ length: ids.length - promptLength }, (_, i) => promptLength + i);
    const { hidden } = await this.#session.run({ ...feeds, selected: int64(rows) });
    return floats(hidden!);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}
