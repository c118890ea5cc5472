/** The backbone's own hidden states as embeddings: nothing to download beside the model that is trained anyway. */

import type { LanguageModel } from '../language-model/language-model.ts';
import type { ChatMode } from '../model/tokenizer.ts';
import type { EmbeddedText, Embedder } from './embedder.ts';

export interface BackboneEmbedderOptions {
  /** Longest sequence in tokens, as in training; the model's own limit where that is shorter. */
  readonly maxLength: number;
  readonly chat: ChatMode;
}

/**
 * The mean of the hidden states after the last norm over the completion's tokens, end token included, each having
 * read the prompt: [hiddenSize], neither centred nor scaled. Prompt tokens are read but not pooled: they tell what a
 * user works on rather than how the user writes (docs/embeddings.md has the measurement).
 */
export class BackboneEmbedder implements Embedder {
  readonly name: string;
  readonly width: number;
  readonly #model: LanguageModel;
  readonly #options: BackboneEmbedderOptions;

  constructor(model: LanguageModel, { maxLength, chat }: BackboneEmbedderOptions) {
    const { config } = model.checkpoint;
    this.#model = model;
    this.#options = { maxLength: Math.min(maxLength, config.maxPositions), chat };
    this.name = `backbone-${model.numerics}-${this.#options.maxLength}-${chat}-${model.tokenizer.promptDate}`;
    this.width = config.hiddenSize;
  }

  async embed({ prompt, completion }: EmbeddedText): Promise<Float32Array> {
    const states = await this.#model.hiddenStates(this.#model.encode(prompt, completion, this.#options));
    return meanRow(states, this.width);
  }

  /** The session belongs to the model and is freed with it. */
  async close(): Promise<void> {}
}

/** Mean of the rows of a matrix [rows, width], summed in double precision from the first row on. */
export function meanRow(values: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let i = 0; i < values.length; i++) sums[i % width]! += values[i]!;
  const rows = values.length / width;
  return Float32Array.from(sums, sum => sum / rows);
}
