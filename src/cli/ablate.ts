import { duration } from '../common/duration.ts';
import { ablate, ablateSchema } from '../jobs/ablate/ablate.ts';
import { table } from '../terminal/table.ts';
import { trainReporter } from '../terminal/train-progress.ts';
import { builtInMethod } from './train.ts';
import { defineVerb } from './verb.ts';

export const ablateVerb = defineVerb({
  name: 'ablate',
  summary: 'Trains and scores every combination of some settings, and writes tables and pictures.',
  operands: [],
  schema: ablateSchema.extend({ method: builtInMethod }),
  example:
    'idiolect ablate --model runs/task/model --data histories.jsonl --out runs/ablation --sweep "alpha=estimated,0,0.6; reference-point=ema,pooled"',
  async run({ resolved, json, terminal, signal }) {
    const start = performance.now();
    const report = trainReporter(terminal);
    const summary = await ablate(resolved, {
      signal,
      onEvent: event =>
        event.type === 'run' ? terminal.say(`run ${event.index}/${event.total}: ${event.name}`) : report(event),
    });
    if (json) {
      terminal.print(JSON.stringify(summary));
      return;
    }
    for (const { settings, cells } of summary.sweeps) {
      const shown = (value: number | undefined) => value?.toFixed(3) ?? '';
      terminal.print(
        table([
          [settings.join(' x '), 'gain', 'low', 'high', 'minus first', 'low', 'high'],
          ...cells.map(({ name, gain, difference }) => [
            name,
            ...[gain.mean, gain.low, gain.high, difference?.mean, difference?.low, difference?.high].map(shown),
          ]),
        ]),
      );
      terminal.print('');
    }
    terminal.say(`${duration((performance.now() - start) / 1000)}; table: ${summary.report}`);
    terminal.say(`pictures: ${summary.pictures.join(' ')}`);
    terminal.say(`data: ${summary.data}`);
  },
});
