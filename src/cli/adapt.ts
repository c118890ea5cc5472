/** `idiolect adapt` */
import { counted } from '../common/counted.ts';
import { duration } from '../common/duration.ts';
import { quoted } from '../common/shell.ts';
import { flagName } from '../common/wording.ts';
import { type AdaptEvent, type AdaptSummary, adapt } from '../jobs/adapt/adapt.ts';
import { adaptSchema } from '../jobs/adapt/adapt-settings.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { TimeLeft } from '../terminal/time-left.ts';
import { defineVerb, showSettings } from './verb.ts';

/** Settings that a later training must share, or it would encode the same records differently. */
const SHARED = ['template', 'chat', 'promptDate', 'maxLength', 'queryShare'] as const;

export const adaptVerb = defineVerb({
  name: 'adapt',
  summary:
    'Adapts a model to the task: one LoRA by supervised fine-tuning on users who are not evaluated, merged into the model.',
  operands: [],
  schema: adaptSchema,
  example:
    'idiolect adapt --model HuggingFaceTB/SmolLM2-135M-Instruct --data histories.jsonl --target-users 20 --out runs/task',
  async run({ resolved, json, terminal, signal }) {
    const start = performance.now();
    const settings = resolved;
    showSettings(settings, terminal);
    const summary = await adapt(settings, { signal, onEvent: reporter(terminal) });
    if (json) {
      terminal.print(JSON.stringify(summary));
      return;
    }
    const { run, model, users, targets, others, records, heldOut } = summary;
    terminal.say(
      `${model}: adapted on ${counted(records, 'record')} of ${counted(others, 'user')} in ${duration((performance.now() - start) / 1000)}`,
    );
    terminal.say(`kept out: the records of ${counted(targets, 'target user')}, named in ${users}`);
    if (heldOut) terminal.print(change(heldOut));
    const next = ['--model', model, '--target-users', users, '--data', settings.values.data, '--out', `${run}-users`];
    for (const key of SHARED) {
      if (settings.origins[key] !== 'default') next.push(flagName(key), String(settings.values[key]));
    }
    terminal.say(`next: idiolect train ${next.map(quoted).join(' ')}`);
  },
});

function change({ base, adapted, records }: NonNullable<AdaptSummary['heldOut']>): string {
  const gain = adapted - base;
  return (
    `${counted(records, 'held-out record')} of the users trained on: ${base.toFixed(4)} before, ${adapted.toFixed(4)} after ` +
    `(${gain < 0 ? '' : '+'}${gain.toFixed(4)}), mean log-probability per token`
  );
}

/** Shows events as a progress line with the time left, or as lines that stay. */
function reporter(terminal: Terminal): (event: AdaptEvent) => void {
  let resumed = 0;
  let clock = new TimeLeft();
  return event => {
    switch (event.type) {
      case 'notice':
        terminal.say(`note: ${event.message}`);
        break;
      case 'start':
        if (event.steps === 0) terminal.say('the adapter is finished already');
        else
          terminal.say(
            `training on ${counted(event.records, 'record')} of ${counted(event.users, 'user')}, ${counted(event.steps, 'step')}`,
          );
        clock = new TimeLeft();
        break;
      case 'resume':
        resumed = event.step;
        terminal.say(`continues after step ${event.step}`);
        break;
      case 'step': {
        const left = clock.after(event.step - resumed, event.steps - resumed);
        terminal.progress(`step ${event.step}/${event.steps} loss ${event.metrics.loss!.toFixed(4)} ${left}`);
        break;
      }
      case 'merge':
        terminal.progress(`merged ${event.done}/${event.total} layers`);
        if (event.done === event.total) clock = new TimeLeft();
        break;
      case 'score':
        terminal.progress(`held-out records ${event.done}/${event.total} ${clock.after(event.done, event.total)}`);
        break;
      default:
        event satisfies never;
    }
  };
}
