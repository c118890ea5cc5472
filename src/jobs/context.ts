/** What every job is given beside its settings. */
export interface JobContext<Event> {
  /** Aborting stops after the step or the text in progress; what is done is kept, and the same call continues. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: Event) => void;
  /** Milliseconds of a steady clock (default: the process's own). */
  readonly now?: () => number;
  /** What runs record as the version that made them (default: this package's). */
  readonly version?: string;
}

/** Something a person should know. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly message: string;
}
