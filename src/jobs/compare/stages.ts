/** What each stage of a comparison cost, kept beside it: a comparison that is continued adds to what was spent before. */
import { join } from 'node:path';
import { z } from 'zod';
import { appendText } from '../../common/files.ts';
import { readKeptLines } from '../../common/own-file.ts';

const costSchema = z.object({ stage: z.string(), seconds: z.number().nonnegative(), detail: z.string() });

export type StageCost = Readonly<z.infer<typeof costSchema>>;

export class StageCosts {
  readonly #file: string;
  readonly #now: () => number;

  /** @param now milliseconds of a steady clock */
  constructor(folder: string, now: () => number) {
    this.#file = join(folder, 'costs.jsonl');
    this.#now = now;
  }

  /** Does the work and notes the seconds it took, also where it was stopped or failed. */
  async of<T>(stage: string, detail: string, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await work();
    } finally {
      const cost: StageCost = { stage, seconds: (this.#now() - start) / 1000, detail };
      // A line break of its own before it: an earlier writer may have been stopped inside a line.
      await appendText(this.#file, `\n${JSON.stringify(cost)}`);
    }
  }

  /** Summed by stage, in the order in which they first came; a damaged line counts no seconds. */
  async all(): Promise<StageCost[]> {
    const sums = new Map<string, StageCost>();
    for (const cost of await readKeptLines(this.#file, costSchema)) {
      const before = sums.get(cost.stage)?.seconds ?? 0;
      sums.set(cost.stage, { ...cost, seconds: before + cost.seconds });
    }
    return [...sums.values()];
  }
}
