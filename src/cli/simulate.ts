/** `idiolect simulate` */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { requireOutputFile } from '../common/output.ts';
import { simulateSchema, truthFile, writeSimulation } from '../histories/index.ts';
import { table } from '../terminal/table.ts';
import { defineVerb, force } from './verb.ts';

const schema = z.object({
  out: z
    .string()
    .describe('file to write: JSON Lines, compressed when the name ends in .gz; the truth goes to OUT.truth.json'),
  ...simulateSchema.shape,
  force,
});

export const simulateVerb = defineVerb({
  name: 'simulate',
  summary: 'Writes histories of simulated users whose habits, and whose true overlap with others, are known.',
  operands: [],
  schema,
  example: 'idiolect simulate --users 30 --records 100 --overlap 0.1,0.3,0.6 --out simulated.jsonl',
  async run({ resolved, json, config, terminal }) {
    const { out, force, ...settings } = resolved.values;
    for (const file of [out, truthFile(out)]) await requireOutputFile(file, { force, inputs: [config] });
    const { file, truth, records, users } = await writeSimulation(out, settings);
    if (json) {
      terminal.print(JSON.stringify({ file, truth, records, users }));
      return;
    }
    const rows = users.map(({ user, shared, alpha, mixtureProportion, habits }) => {
      const { words: _, ...short } = habits;
      const numbers = [shared, alpha, mixtureProportion].map(share => share.toFixed(2));
      return [
        user,
        ...numbers,
        Object.entries(short)
          .map(([dimension, value]) => `${dimension}: ${value}`)
          .join(', '),
      ];
    });
    terminal.print(table([['user', 'shared', 'alpha', 'mixture', 'habits'], ...rows]));
    terminal.say(
      `${file}: ${counted(records, 'record')} of ${counted(users.length, 'user')}; the truth about them is in ${truth}`,
    );
  },
});
