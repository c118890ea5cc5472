/** What each stage of a comparison cost, kept in its folder: a continued comparison adds to the earlier cost. */
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

  /** Does the work and records the seconds it took, even where it is stopped or fails. */
  async of<T>(stage: string, detail: string, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await work();
    } finally {
      const cost: StageCost = { stage, seconds: (this.#now() - start) / 1000, detail };
      // Starts with a line break, as an earlier writer may have been stopped inside a line.
      await appendText(this.#file, `\n${JSON.stringify(cost)}`);
    }
  }

  /** The costs summed by stage, in order of first appearance; a damaged line is ignored. */
  async all(): Promise<StageCost[]> {
    const sums = new Map<string, StageCost>();
    for (const cost of await readKeptLines(this.#file, costSchema)) {
      const before = sums.get(cost.stage)?.seconds ?? 0;
      sums.set(cost.stage, { ...cost, seconds: before + cost.seconds });
    }
    return [...sums.values()];
  }
}
