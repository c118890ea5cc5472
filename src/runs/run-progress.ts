/** Compares the records of a run with those its adapters were trained on: who is finished, changed, new or gone. */
import { rm } from 'node:fs/promises';
import { IdiolectError } from '../common/errors.ts';
import { printable } from '../common/printable.ts';
import type { Dataset } from '../histories/dataset.ts';
import { type Inputs, type Lineage, readLineages, sameInputs } from './lineage.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunRecord, RunSources } from './run-record.ts';

export class RunProgress {
  /** Users whose adapters were trained on what the run would train them on now. */
  readonly finished: ReadonlySet<string>;
  /** Those of them without a lineage, which earlier versions did not keep. */
  readonly withoutLineage: readonly string[];
  /** Users whose adapters were trained on something else. */
  readonly changed: readonly string[];
  /** Users with an adapter but no records to train on. */
  readonly gone: readonly string[];
  /** Whether the run was last given other records, or other adapters to start from. */
  readonly isOtherData: boolean;

  private constructor(parts: Pick<RunProgress, 'finished' | 'withoutLineage' | 'changed' | 'gone' | 'isOtherData'>) {
    this.finished = parts.finished;
    this.withoutLineage = parts.withoutLineage;
    this.changed = parts.changed;
    this.gone = parts.gone;
    this.isOtherData = parts.isOtherData;
  }

  /**
   * @param inputs of each user of the data with records to train on
   * @throws IdiolectError CONFIG where adapters have no lineage and the data is not the one they were trained on
   */
  static async of(
    folder: RunFolder,
    before: RunRecord | null,
    sources: RunSources,
    inputs: ReadonlyMap<string, Inputs>,
  ): Promise<RunProgress> {
    const lineages = await readLineages(folder);
    const isOtherData = before !== null && TEXTS.some(source => before.sources[source] !== sources[source]);
    const finished = new Set<string>();
    const withoutLineage: string[] = [];
    const changed: string[] = [];
    for (const [user, now] of inputs) {
      if (!(await folder.isFinished(user))) continue;
      const lineage = lineages.get(user);
      if (!lineage) withoutLineage.push(user);
      if (!lineage || isTrainedOn(lineage, now)) finished.add(user);
      else changed.push(user);
    }
    if (isOtherData && withoutLineage.length > 0) {
      throw new IdiolectError(
        'CONFIG',
        `${folder.path} does not record what the adapter of "${printable(withoutLineage[0]!)}" was trained on, since an ` +
          'earlier version made it, and the data has changed. Run the same command once with the old data, which ' +
          'records it, and then with the new data; or choose another `out`.',
      );
    }
    const gone: string[] = [];
    for (const user of lineages.keys()) {
      if (!inputs.has(user) && (await folder.hasAdapter(user))) gone.push(user);
    }
    return new RunProgress({ finished, withoutLineage, changed, gone, isOtherData });
  }

  /**
   * Removes what was computed from records that are no longer the user's: alphas and scores, and every checkpoint,
   * since the draw of others' records may also have changed. The old adapter stays until the new one replaces it.
   */
  async clear(folder: RunFolder, { users }: Dataset): Promise<void> {
    if (!this.isOtherData) return;
    await rm(folder.states, { recursive: true, force: true });
    const overlaps = await folder.readOverlaps();
    const known = overlaps.size;
    for (const user of users.keys()) {
      if (this.finished.has(user)) continue;
      overlaps.delete(user);
      await rm(folder.scoresOf(user), { force: true });
    }
    if (overlaps.size < known) await folder.writeOverlaps(overlaps);
  }

  /** What the user should know before training. @param users those to be trained */
  notices(users: readonly string[]): string[] {
    const isChanged = new Set(this.changed);
    const count = (is: (user: string) => boolean) => users.filter(is).length;
    const kept = count(user => this.finished.has(user));
    const other = count(user => isChanged.has(user));
    const fresh = users.length - kept - other;
    return [
      ...(this.isOtherData || this.changed.length > 0
        ? [`what the adapters are trained on has changed. Users kept: ${kept}, changed: ${other}, new: ${fresh}`]
        : []),
      ...(this.gone.length > 0
        ? [
            `adapters kept of users who no longer have records to train on in the data: ${this.gone.length}, such as ` +
              `"${printable(this.gone[0]!)}" (idiolect forget removes what a run holds of a user)`,
          ]
        : []),
    ];
  }
}

/** Sources that may differ when a run is continued: lineage says which of them each adapter was trained on. */
export const TEXTS = ['data', 'rejected', 'startAdapters'] as const satisfies readonly (keyof RunSources)[];

export function isTrainedOn({ inputs }: Lineage, now: Inputs): boolean {
  return inputs !== null && sameInputs(inputs, now);
}
