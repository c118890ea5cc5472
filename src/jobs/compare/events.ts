/** What a comparison reports while it works. */
import type { AdaptEvent } from '../adapt/adapt.ts';
import type { TrainEvent } from '../train/train.ts';
import type { Outlook, TimeAhead } from './outlook.ts';
import type { TriedSetting } from './search.ts';

export type CompareEvent =
  | { readonly type: 'notice'; readonly message: string }
  /** Before the first stage, from a few seconds of each kind of work; absent where none is left. */
  | { readonly type: 'forecast'; readonly seconds: Outlook['seconds']; readonly stages: number }
  /** A piece of work begins; `done` of `total` are behind. */
  | {
      readonly type: 'stage';
      readonly name: string;
      readonly done: number;
      readonly total: number;
      readonly ahead: TimeAhead;
    }
  | { readonly type: 'progress'; readonly what: string; readonly done: number; readonly total: number }
  | { readonly type: 'adapt'; readonly event: AdaptEvent }
  | { readonly type: 'train'; readonly event: TrainEvent }
  | { readonly type: 'tried'; readonly tried: TriedSetting };
