/** One vector for one thing a user wrote: the interface of every kind of embedding. */
import { type HistoryRecord, renderPrompt } from '../histories/index.ts';

/** What is embedded: how somebody wrote (the completion) in answer to what (the rendered prompt). */
export interface EmbeddedText {
  readonly prompt: string;
  readonly completion: string;
}

export interface Embedder {
  /**
   * Changes whenever the vector of any text could: the kind, its settings and the fingerprint of its model. Fit for a
   * file name.
   */
  readonly name: string;
  readonly width: number;
  /** The vector [width] of one text. It depends on this text alone, bit for bit, whatever was embedded before. */
  embed(text: EmbeddedText): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A record as it is embedded, its prompt rendered as in training. */
export function embeddedText(template: string, record: HistoryRecord): EmbeddedText {
  return { prompt: renderPrompt(template, record), completion: record.output };
}
