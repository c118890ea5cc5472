/** What a comparison reports while it works. */
import type { AdaptEvent } from '../adapt/adapt.ts';
import type { NoticeEvent } from '../context.ts';
import type { RunnerEvent } from './methods/runner.ts';
import type { Outlook, TimeAhead } from './outlook.ts';
import type { TriedSetting } from './search.ts';

export type CompareEvent =
  | NoticeEvent
  /** Before the first stage, from timing each kind of work for a few seconds; absent where no work is left. */
  | { readonly type: 'forecast'; readonly seconds: Outlook['seconds']; readonly stages: number }
  /** A stage begins; `done` of `total` are finished. */
  | {
      readonly type: 'stage';
      readonly name: string;
      readonly done: number;
      readonly total: number;
      readonly ahead: TimeAhead;
    }
  | RunnerEvent
  | { readonly type: 'adapt'; readonly event: AdaptEvent }
  | { readonly type: 'tried'; readonly tried: TriedSetting };
