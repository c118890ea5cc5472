/**
 * Reference log-probabilities on disk, found again by content: one file per model, one line per sequence, shared by
 * all users and all runs. A score depends on its sequence and the model alone (see Scorer.score), so a hit and a miss
 * give the same training.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../common/files.ts';
import type { TokenSequence } from '../runtime/batch.ts';
import type { LanguageModel } from '../runtime/language-model.ts';
import type { Score } from '../runtime/scorer.ts';

/** What a score depends on beside the model: the ids and where the completion starts. */
export function sequenceKey({ ids, promptLength }: TokenSequence): string {
  return sha256(`${promptLength}:${ids.join()}`).slice(0, 32);
}

/** A score without an adapter, computed where it is not known yet; flush the cache afterwards. */
export async function cachedScore(
  model: LanguageModel,
  cache: ReferenceCache,
  sequence: TokenSequence,
): Promise<Score> {
  const known = cache.get(sequence);
  if (known) return known;
  const score = await model.score(sequence);
  await cache.add(sequence, score);
  return score;
}

const FLUSH_EVERY = 64;

export class ReferenceCache {
  readonly file: string;
  readonly #known: Map<string, Score>;
  #unsaved: string[] = [];

  private constructor(file: string, known: Map<string, Score>) {
    this.file = file;
    this.#known = known;
  }

  /** Opens the scores of one model on one device; a line cut short by a kill is passed over and computed again. */
  static async open(folder: string, modelFingerprint: string, device: string): Promise<ReferenceCache> {
    const directory = join(folder, 'reference');
    await mkdir(directory, { recursive: true });
    const file = join(directory, `${modelFingerprint.slice(0, 32)}-${device}.txt`);
    const known = new Map<string, Score>();
    for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n')) {
      const [key, tokens, logProb, end] = line.split(' ');
      if (end === '.') known.set(key!, { tokens: Number(tokens), logProb: Number(logProb) });
    }
    return new ReferenceCache(file, known);
  }

  get(sequence: TokenSequence): Score | undefined {
    return this.#known.get(sequenceKey(sequence));
  }

  async add(sequence: TokenSequence, score: Score): Promise<void> {
    const key = sequenceKey(sequence);
    this.#known.set(key, score);
    this.#unsaved.push(`${key} ${score.tokens} ${score.logProb} .\n`);
    if (this.#unsaved.length >= FLUSH_EVERY) await this.flush();
  }

  /** Appends what is new, after a line break of its own: an earlier writer may have been stopped inside a line. */
  async flush(): Promise<void> {
    if (this.#unsaved.length === 0) return;
    const lines = this.#unsaved.join('');
    this.#unsaved = [];
    await appendFile(this.file, `\n${lines}`);
  }
}
