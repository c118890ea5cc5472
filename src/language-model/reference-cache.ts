/**
 * Log-probabilities kept on disk by content. Reference scores have one file per model and one line per sequence, shared
 * by all users and runs. A score depends only on its sequence and the model (see Scorer.score), so training is the same
 * with and without a cached score.
 */
import { dirname, join } from 'node:path';
import { appendText, makeFolder, sha256 } from '../common/files.ts';
import { keptLines } from '../common/own-file.ts';
import type { Adapter } from '../model/adapter.ts';
import type { TokenSequence } from './batch.ts';
import type { LanguageModel } from './language-model.ts';
import type { Score } from './scorer.ts';

/** A hash of what a score depends on: the weights, the ids and where the completion starts. */
export function sequenceKey({ ids, promptLength }: TokenSequence, weights = ''): string {
  return sha256(`${weights}${promptLength}:${ids.join()}`).slice(0, 32);
}

/**
 * The cached score, or one that is computed and added; flush the cache afterwards.
 *
 * @param adapter the one the cache was opened for
 */
export async function cachedScore(
  model: LanguageModel,
  cache: ReferenceCache,
  sequence: TokenSequence,
  adapter?: Adapter,
): Promise<Score> {
  const known = cache.get(sequence);
  if (known) return known;
  const score = await model.score(sequence, adapter);
  await cache.add(sequence, score);
  return score;
}

const FLUSH_EVERY = 64;

/** Key, tokens, log-probability, and a final point that shows that the line is complete. */
const LINE = /^([0-9a-f]{32}) (\d+) (-?[\d.e-]+) \.$/;

export class ReferenceCache {
  readonly file: string;
  readonly #weights: string;
  readonly #known: Map<string, Score>;
  #unsaved: string[] = [];

  private constructor(file: string, weights: string, known: Map<string, Score>) {
    this.file = file;
    this.#weights = weights;
    this.#known = known;
  }

  /** Opens the scores of one model. */
  static async open(folder: string, { numerics }: Pick<LanguageModel, 'numerics'>): Promise<ReferenceCache> {
    return ReferenceCache.at(join(folder, 'reference', `${numerics}.txt`));
  }

  /**
   * Opens a file of scores; the score of a damaged line is computed again.
   *
   * @param weights identifies the model and adapter, where scores of several share the file
   */
  static async at(file: string, weights = ''): Promise<ReferenceCache> {
    const known = new Map<string, Score>();
    for await (const line of keptLines(file)) {
      const [, key, tokens, logProb] = LINE.exec(line) ?? [];
      const score = { tokens: Number(tokens), logProb: Number(logProb) };
      if (key !== undefined && Number.isFinite(score.logProb)) known.set(key, score);
    }
    return new ReferenceCache(file, weights, known);
  }

  get(sequence: TokenSequence): Score | undefined {
    return this.#known.get(sequenceKey(sequence, this.#weights));
  }

  async add(sequence: TokenSequence, score: Score): Promise<void> {
    const key = sequenceKey(sequence, this.#weights);
    this.#known.set(key, score);
    this.#unsaved.push(`${key} ${score.tokens} ${score.logProb} .\n`);
    if (this.#unsaved.length >= FLUSH_EVERY) await this.flush();
  }

  /** Appends the new scores, after a line break, as an earlier writer may have been stopped inside a line. */
  async flush(): Promise<void> {
    if (this.#unsaved.length === 0) return;
    const lines = this.#unsaved.join('');
    this.#unsaved = [];
    await makeFolder(dirname(this.file));
    await appendText(this.file, `\n${lines}`);
  }
}
