/**
 * The preference overlap of a data set's users: which records are compared, and what replaces an estimate from too few
 * of them.
 */
import type { z } from 'zod';
import { sha256 } from '../../common/files.ts';
import { random } from '../../common/random.ts';
import type { Dataset } from '../../histories/dataset.ts';
import { type HistoryRecord, sampleAuxiliary } from '../../histories/index.ts';
import { auxiliaryPool, latest, type recordChoiceSchema } from '../../histories/user-records.ts';
import { type Embedder, embeddedText } from '../../overlap/embedder.ts';
import { estimateOverlap, fillFromOthers, type OverlapEstimate, type OverlapSettings } from '../../overlap/estimate.ts';

type StudySettings = OverlapSettings &
  Pick<z.infer<typeof recordChoiceSchema>, 'auxiliaryFrom' | 'historyShare'> & {
    readonly template: string;
    readonly seed: number;
  };

/** A user's records, and the others' records that they are compared with. */
interface ComparedRecords {
  readonly own: readonly HistoryRecord[];
  readonly others: readonly HistoryRecord[];
}

/** The number of other users whose estimates replace that of a user with too few records. */
const STAND_INS = 20;

/**
 * Estimates of one data set by one embedder. An estimate depends on the data and the settings, not on the users
 * estimated before.
 */
export class OverlapStudy {
  readonly #dataset: Dataset;
  readonly #embedder: Embedder;
  readonly #settings: StudySettings;
  readonly #vectors = new Map<HistoryRecord, Float32Array>();
  readonly #comparisons = new Map<string, ComparedRecords>();
  readonly #estimates = new Map<string, Promise<OverlapEstimate>>();
  #pool: readonly HistoryRecord[] | undefined;
  #standIns: Promise<ReadonlyMap<string, OverlapEstimate>> | undefined;

  constructor(dataset: Dataset, embedder: Embedder, settings: StudySettings) {
    this.#dataset = dataset;
    this.#embedder = embedder;
    this.#settings = settings;
  }

  /** Embeds what the estimates of these users need. @param onText called before each text; it may throw to stop */
  async embed(users: readonly string[], onText: (done: number, total: number) => void): Promise<void> {
    const needed = new Set(users.flatMap(user => Object.values(this.#compared(user)).flat()));
    const missing = [...needed].filter(record => !this.#vectors.has(record));
    for (const [done, record] of missing.entries()) {
      onText(done, missing.length);
      await this.#vector(record);
    }
  }

  /** Vectors of the user's own training records. */
  async ownVectors(user: string): Promise<Float32Array[]> {
    return this.#vectorsOf(this.#compared(user).own);
  }

  /** The alpha of one user; where there are too few records, the median of other users. */
  async estimate(user: string): Promise<OverlapEstimate> {
    const estimate = await this.#estimateAlone(user);
    if (estimate.fallback === null) return estimate;
    this.#standIns ??= this.#estimateStandIns();
    return fillFromOthers(new Map([...(await this.#standIns), [user, estimate]])).get(user)!;
  }

  /** The estimate from the user's own records, made once per user. */
  #estimateAlone(user: string): Promise<OverlapEstimate> {
    const known = this.#estimates.get(user) ?? this.#compute(user);
    this.#estimates.set(user, known);
    return known;
  }

  async #compute(user: string): Promise<OverlapEstimate> {
    const { own, others } = this.#compared(user);
    const keysOf = (records: readonly HistoryRecord[]) =>
      records.map(({ input, output }) => sha256(JSON.stringify([input, output])));
    return estimateOverlap(
      await this.#vectorsOf(own),
      await this.#vectorsOf(others),
      this.#settings,
      { seed: this.#settings.seed, label: `overlap/${user}` },
      { target: keysOf(own), auxiliary: keysOf(others) },
    );
  }

  /**
   * Estimates of users drawn from those with enough records and with others to compare with; the draw is the same for
   * every user who lacks records.
   */
  async #estimateStandIns(): Promise<ReadonlyMap<string, OverlapEstimate>> {
    const { seed, overlapFewRecords } = this.#settings;
    const others = new Set(this.#recordsOfOthers().map(({ user }) => user));
    const isAlone = (user: string) => others.size === 1 && others.has(user);
    const users = [...this.#dataset.users.values()];
    const able = users.filter(({ user, train }) => train.length >= overlapFewRecords && !isAlone(user));
    const drawn = random(seed, 'overlap stand-ins')
      .shuffled(able.map(({ user }) => user))
      .slice(0, STAND_INS);
    const estimates = new Map<string, OverlapEstimate>();
    for (const user of drawn) estimates.set(user, await this.#estimateAlone(user));
    return estimates;
  }

  /**
   * The user's latest records, and others' records drawn as for training, so that this draw starts with the training
   * draw.
   */
  #compared(user: string): ComparedRecords {
    const known = this.#comparisons.get(user);
    if (known) return known;
    const { historyShare, overlapRatio, seed } = this.#settings;
    const own = latest(this.#dataset.users.get(user)!.train, historyShare);
    const count = Math.max(1, Math.round(overlapRatio * own.length));
    const comparison = { own, others: sampleAuxiliary(this.#recordsOfOthers(), { user, count, seed }) };
    this.#comparisons.set(user, comparison);
    return comparison;
  }

  /** The records that users are compared with. */
  #recordsOfOthers(): readonly HistoryRecord[] {
    this.#pool ??= auxiliaryPool(this.#dataset, this.#settings.auxiliaryFrom);
    return this.#pool;
  }

  async #vectorsOf(records: readonly HistoryRecord[]): Promise<Float32Array[]> {
    const vectors: Float32Array[] = [];
    for (const record of records) vectors.push(await this.#vector(record));
    return vectors;
  }

  async #vector(record: HistoryRecord): Promise<Float32Array> {
    const known = this.#vectors.get(record);
    if (known) return known;
    const vector = await this.#embedder.embed(embeddedText(this.#settings.template, record));
    this.#vectors.set(record, vector);
    return vector;
  }
}
