/** What every job is given in addition to its settings. */
export interface JobContext<Event> {
  /**
   * Aborting stops after the step or the text in progress; finished work is kept, and the same call continues from it.
   */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: Event) => void;
  /** Milliseconds of a steady clock (default: the process's own). */
  readonly now?: () => number;
  /** The version that runs record as the one that made them (default: this package's). */
  readonly version?: string;
}

/** Something the user should know. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly message: string;
}
