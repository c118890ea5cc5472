/** Training as a terminal shows it. */
import { counted } from '../common/counted.ts';
import type { TrainEvent } from '../jobs/train/events.ts';
import type { OverlapEstimate } from '../overlap/estimate.ts';
import type { Terminal } from './terminal.ts';
import { TimeLeft } from './time-left.ts';

/** Turns events into a progress line with the time left, and lines worth keeping. */
export function trainReporter(terminal: Terminal): (event: TrainEvent) => void {
  let total = 0;
  let done = 0;
  let users = 0;
  let finished = 0;
  let clock = new TimeLeft();
  let resumed = 0;
  return event => {
    switch (event.type) {
      case 'notice':
        terminal.say(`note: ${event.message}`);
        break;
      case 'start':
        ({ users, finished, steps: total } = event);
        [done, resumed, clock] = [0, 0, new TimeLeft()];
        if (finished > 0) terminal.say(`${finished} of ${counted(users, 'user')} finished already`);
        break;
      case 'embedding':
        terminal.progress(`embedding texts ${event.done}/${event.total} ${clock.after(event.done, event.total)}`);
        break;
      case 'overlap':
        terminal.say(`${event.user}: ${overlapText(event.estimate)}`);
        clock = new TimeLeft();
        break;
      case 'reference':
        terminal.progress(`reference scores ${event.done}/${event.total} ${clock.after(event.done, event.total)}`);
        if (event.done === event.total) clock = new TimeLeft();
        break;
      case 'resume':
        resumed += event.step;
        done += event.step;
        terminal.say(`${event.user}: continues after step ${event.step}`);
        break;
      case 'step': {
        done++;
        const left = clock.after(done - resumed, total - resumed);
        const { loss } = event.metrics;
        terminal.progress(
          `user ${finished + 1}/${users} ${event.user} step ${event.step}/${event.steps} loss ${loss!.toFixed(4)} ${left}`,
        );
        break;
      }
      case 'adapter':
        finished++;
        terminal.say(`${event.user}: loss ${event.metrics.loss?.toFixed(4) ?? 'unknown'}, ${event.folder}`);
        break;
      case 'failed':
        finished++;
        terminal.say(`${event.user}: no adapter. ${event.reason}`);
        break;
      default:
        event satisfies never;
    }
  };
}

function overlapText({ alpha, interval, capped, fallback }: OverlapEstimate): string {
  if (fallback !== null) return `alpha ${alpha.toFixed(2)}; ${fallback}`;
  const range = `[${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
  return `alpha ${alpha.toFixed(2)} ${range}${capped ? ', held at the cap' : ''}`;
}
