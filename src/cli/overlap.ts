import { overlapReportSchema, reportOverlaps, type UserOverlap } from '../jobs/overlap/overlap-report.ts';
import { table } from '../terminal/table.ts';
import { TimeLeft } from '../terminal/time-left.ts';
import { defineVerb } from './verb.ts';

export const overlapVerb = defineVerb({
  name: 'overlap',
  summary:
    'Estimates the share of others’ texts that each user could have written (alpha), and how unlike others each user writes.',
  operands: [],
  schema: overlapReportSchema,
  example: 'idiolect overlap --model HuggingFaceTB/SmolLM2-135M-Instruct --data histories.jsonl --users first:20',
  async run({ resolved, json, terminal, signal }) {
    const clock = new TimeLeft();
    const users = await reportOverlaps(resolved, {
      signal,
      onEvent: event => {
        if (event.type === 'notice') return terminal.say(`note: ${event.message}`);
        const { done, total } = event;
        if (event.type === 'estimate') return terminal.progress(`estimating alpha ${done}/${total}`);
        terminal.progress(`embedding texts ${done}/${total} ${clock.after(done, total)}`);
      },
    });
    if (json) {
      terminal.print(JSON.stringify({ users }));
      return;
    }
    const header = ['user', 'records', 'others', 'alpha', '95%', 'separation (AUC)', 'uniqueness', ''];
    terminal.print(table([header, ...users.map(row)]));
    for (const { user, fallback } of users) if (fallback !== null) terminal.say(`${user}: ${fallback}`);
  },
});

function row({
  user,
  targetRecords,
  auxiliaryRecords,
  alpha,
  interval,
  separation,
  uniqueness,
}: UserOverlap): string[] {
  return [
    user,
    String(targetRecords),
    String(auxiliaryRecords),
    alpha.toFixed(2),
    `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`,
    separation?.toFixed(2) ?? '',
    uniqueness?.score.toFixed(2) ?? '',
    uniqueness?.group ?? '',
  ];
}
