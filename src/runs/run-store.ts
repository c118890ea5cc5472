/** Where training keeps what must not be lost. A run folder is one such place; a database could be another. */
import type { NamedTensor } from '../model/safetensors.ts';
import type { OverlapEstimate } from '../overlap/estimate.ts';
import type { Expected, SavedProgress } from './training-state.ts';

/** What is logged of a step. */
export interface LoggedStep {
  readonly user: string;
  readonly step: number;
  readonly [metric: string]: number | string | undefined;
}

export interface RunStore {
  /** Its place, as shown to the user. */
  readonly path: string;
  /** Equal for runs that train the same adapters, wherever they are. @param notIdentity settings that may differ */
  identity(notIdentity: readonly string[]): Promise<string>;

  /** The state of a training that was stopped; null where there is none or, with a notice, where it is damaged. */
  loadState<T extends NamedTensor>(name: string, expected: Expected<T>): Promise<SavedProgress<T> | null>;
  /** Replaces the state in one atomic step. @param training identifies the training it belongs to */
  saveState<T extends NamedTensor>(name: string, training: string, progress: SavedProgress<T>): Promise<void>;
  removeState(name: string): Promise<void>;

  appendStep(line: Readonly<Record<string, unknown>>): Promise<void>;
  readMetrics(): Promise<LoggedStep[]>;
  /** Forgets what was logged of a training beyond a step. */
  truncateMetrics(name: string, step: number): Promise<void>;

  readOverlaps(): Promise<Map<string, OverlapEstimate>>;
  writeOverlaps(estimates: ReadonlyMap<string, OverlapEstimate>): Promise<void>;
}
