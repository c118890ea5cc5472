/** `idiolect score` */
import { counted } from '../common/counted.ts';
import { asFlags } from '../common/wording.ts';
import { scoreRun, scoreSchema } from '../jobs/score/held-out.ts';
import { runSentences, userSentence } from '../jobs/score/judgement-words.ts';
import type { Estimate } from '../statistics/intervals.ts';
import { table } from '../terminal/table.ts';
import { TimeLeft } from '../terminal/time-left.ts';
import { defineVerb } from './verb.ts';

export const scoreVerb = defineVerb({
  name: 'score',
  summary: 'Held-out log-likelihood per user: mean log-probability per token of later records that training never saw.',
  operands: [],
  schema: scoreSchema,
  example: 'idiolect score --run runs/first',
  async run({ resolved, json, terminal, signal }) {
    const clock = new TimeLeft();
    const scores = await scoreRun(resolved, {
      signal,
      onEvent: event => {
        if (event.type === 'notice') return terminal.say(`note: ${event.message}`);
        terminal.progress(`scored ${event.done}/${event.total} ${clock.after(event.done, event.total)}`);
      },
    });
    if (json) {
      terminal.print(JSON.stringify(scores));
      return;
    }
    const number = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(4));
    const rows = scores.users.map(({ user, records, tokens, base, adapter, otherAdapter }) => [
      user,
      String(records),
      String(tokens),
      number(base),
      number(adapter),
      number(adapter - base),
      number(otherAdapter),
    ]);
    terminal.print(table([['user', 'records', 'tokens', 'base', 'adapter', 'gain', "another's adapter"], ...rows]));
    terminal.print(`gain over the base: ${estimate(scores.gain, scores.users.length)}`);
    if (scores.personalGain) {
      terminal.print(`gain over another user's adapter: ${estimate(scores.personalGain, scores.users.length)}`);
    }
    for (const sentence of [...scores.users.map(userSentence), ...runSentences(scores)])
      terminal.print(asFlags(sentence));
  },
});

function estimate({ mean, low, high }: Estimate, users: number): string {
  return `${mean.toFixed(4)} nats per token, 95% interval ${low.toFixed(4)} to ${high.toFixed(4)} over ${counted(users, 'user')}`;
}
