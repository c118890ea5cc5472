/** A comparison as a terminal shows it while it works. */
import { duration } from '../common/duration.ts';
import type { CompareEvent } from '../jobs/compare/events.ts';
import { triedText } from '../jobs/compare/search.ts';
import type { Terminal } from './terminal.ts';
import { TimeLeft, TotalLeft } from './time-left.ts';

/** A line for each stage and try, and a progress line with the time left below it. */
export function compareReporter(terminal: Terminal): (event: CompareEvent) => void {
  let clock = new TimeLeft();
  /** Of a training: steps behind, of which so many by an earlier call, which say nothing of the time left. */
  let steps = { done: 0, before: 0, total: 0 };
  let what = '';
  const told = new Set<string>();
  let isForecast = false;
  /** Of the stages of a forecast; null where there is none. */
  let overall: TotalLeft | null = null;
  const progress = (text: string, done: number, total: number, before = 0) => {
    if (text !== what) [what, clock] = [text, new TimeLeft()];
    const left = clock.after(done - before, total - before);
    terminal.progress(
      `${text} ${done}/${total} ${left}${overall ? `; ${overall.text(clock, done - before, total - before)}` : ''}`,
    );
  };
  const note = (message: string) => {
    if (!told.has(message)) terminal.say(`note: ${message}`);
    told.add(message);
  };
  return event => {
    switch (event.type) {
      case 'notice':
        note(event.message);
        break;
      case 'forecast': {
        const { low, likely, high } = event.seconds;
        const about = `about ${duration(likely)}`;
        const range = `${duration(low)} to ${duration(high)}`;
        terminal.say(
          `this will take ${about} (${range}), judging by a few seconds of the same work; Ctrl-C loses at most one user's work, and the same command continues`,
        );
        isForecast = true;
        break;
      }
      case 'stage':
        what = '';
        overall = isForecast ? new TotalLeft(event.ahead) : null;
        terminal.say(event.total > 0 ? `[${event.done + 1}/${event.total}] ${event.name}` : event.name);
        break;
      case 'progress':
        progress(event.what, event.done, event.total);
        break;
      case 'tried': {
        terminal.say(`  ${triedText(event.tried)}`);
        break;
      }
      case 'adapt':
        if (event.event.type === 'notice') note(event.event.message);
        if (event.event.type === 'start') steps = { done: 0, before: 0, total: event.event.steps };
        if (event.event.type === 'resume') steps = { ...steps, before: event.event.step };
        if (event.event.type === 'step') {
          progress('task adaptation, step', event.event.step, steps.total, steps.before);
        }
        if (event.event.type === 'score') progress('held-out records', event.event.done, event.event.total);
        break;
      case 'train':
        if (event.event.type === 'notice') note(event.event.message);
        if (event.event.type === 'start') steps = { done: 0, before: 0, total: event.event.steps };
        if (event.event.type === 'resume') {
          const { step } = event.event;
          steps = { ...steps, done: steps.done + step, before: steps.before + step };
        }
        if (event.event.type === 'step') progress('training step', ++steps.done, steps.total, steps.before);
        if (event.event.type === 'reference') progress('reference scores', event.event.done, event.event.total);
        if (event.event.type === 'embedding') progress('embedding texts', event.event.done, event.event.total);
        break;
      default:
        event satisfies never;
    }
  };
}
