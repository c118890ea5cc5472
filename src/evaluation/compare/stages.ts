/** What each stage of a comparison cost, kept beside it: a comparison that goes on adds to what was spent before. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { appendText } from '../../common/files.ts';

const costSchema = z.object({ stage: z.string(), seconds: z.number().nonnegative(), detail: z.string() });

export type StageCost = Readonly<z.infer<typeof costSchema>>;

function costOf(line: string): StageCost | undefined {
  try {
    return costSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

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
      await appendText(this.#file, `${JSON.stringify(cost)}\n`);
    }
  }

  /** Summed by stage, in the order in which they first came; what is damaged of the file is passed over. */
  async all(): Promise<StageCost[]> {
    const text = await readFile(this.#file, 'utf8').catch(() => '');
    const sums = new Map<string, StageCost>();
    for (const line of text.split('\n')) {
      // A kill in the middle of a line leaves its beginning before the next one.
      const whole = line.slice(Math.max(0, line.lastIndexOf('{"stage":')));
      const cost = costOf(whole);
      if (!cost) continue;
      const before = sums.get(cost.stage)?.seconds ?? 0;
      sums.set(cost.stage, { ...cost, seconds: before + cost.seconds });
    }
    return [...sums.values()];
  }
}
