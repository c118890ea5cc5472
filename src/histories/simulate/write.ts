/** A simulated population as files: the histories, and beside them what is true of them. */
import { writeFileAtomic } from '../../common/files.ts';
import { writeHistories } from '../jsonl.ts';
import type { HistoryRecord } from '../record.ts';
import { Population, type SimulatedUser, type SimulateSettings } from './simulate.ts';

export interface SimulationSummary {
  readonly file: string;
  readonly truth: string;
  readonly records: number;
  readonly users: readonly SimulatedUser[];
}

/** Where the truth about the histories in a file is written. */
export const truthFile = (out: string) => `${out}.truth.json`;

/**
 * Writes the records, user after user, and `<out>.truth.json`: the settings, what the shared way keeps to, and of each
 * user the share of shared writing, both true overlaps, the habits in words, and the ids of the records in the shared
 * way. The same settings write the same bytes.
 *
 * @throws IdiolectError CONFIG as `Population` does
 */
export async function writeSimulation(out: string, settings: SimulateSettings): Promise<SimulationSummary> {
  const population = new Population(settings);
  const sharedIds = new Map<string, string[]>();
  function* all(): Generator<HistoryRecord> {
    for (const user of population.users) {
      const ids: string[] = [];
      sharedIds.set(user.user, ids);
      for (const { record, isShared } of population.records(user)) {
        if (isShared) ids.push(record.id!);
        yield record;
      }
    }
  }
  const records = await writeHistories(out, all());
  const truth = truthFile(out);
  const users = population.users.map(user => ({ ...user, sharedRecords: sharedIds.get(user.user)! }));
  const content = { settings, sharedHabits: population.sharedHabits, users };
  await writeFileAtomic(truth, `${JSON.stringify(content, null, 2)}\n`);
  return { file: out, truth, records, users: population.users };
}
