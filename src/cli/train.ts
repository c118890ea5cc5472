/** `idiolect train` */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { duration } from '../common/duration.ts';
import { nameListSchema } from '../common/name-list.ts';
import { printable } from '../common/printable.ts';
import type { Resolved } from '../common/settings.ts';
import { asFlags } from '../common/wording.ts';
import { readRun, runOn } from '../jobs/open-run.ts';
import { type Opened, withOpened } from '../jobs/opened.ts';
import { type HeldOutScores, scoreOn } from '../jobs/score/held-out.ts';
import { decimal, runSentences, signed, verdictWord } from '../jobs/score/judgement-words.ts';
import { requireAllTrained, type TrainSummary } from '../jobs/train/events.ts';
import { requireTrainable, trainOn } from '../jobs/train/train.ts';
import { OBJECTIVE_NAMES } from '../objectives/objectives.ts';
import { type TrainSettings, trainSchema } from '../runs/settings.ts';
import type { Estimate } from '../statistics/intervals.ts';
import { FEWEST_TEXTS } from '../statistics/judgement.ts';
import { table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { TimeLeft } from '../terminal/time-left.ts';
import { trainReporter } from '../terminal/train-progress.ts';
import { defineVerb, showSettings, type VerbArguments } from './verb.ts';

/** A flag of the command only: in the library, training and scoring are two calls. */
const skipScore = z
  .boolean()
  .default(false)
  .describe('skip scoring the held-out texts, which shows whether anything was learnt');

/** The command line knows only the built-in objectives, and refuses others before a model is downloaded. */
export const builtInMethod = z
  .enum(OBJECTIVE_NAMES as [string, ...string[]])
  .default('cbpo')
  .describe('training objective');

export const trainVerb = defineVerb({
  name: 'train',
  summary:
    'Trains one LoRA adapter per user from what that user wrote, against what others wrote, and reports on held-out texts what each adapter learnt.',
  operands: [],
  schema: trainSchema.extend({ method: builtInMethod, skipScore }),
  example: 'idiolect train --model HuggingFaceTB/SmolLM2-135M-Instruct --data histories.jsonl --out runs/first',
  async run({ resolved, json, terminal, signal }) {
    const start = performance.now();
    showSettings(resolved, terminal);
    const settings = withoutSkipScore(resolved);
    requireTrainable(settings.values);
    const context = { signal, onEvent: trainReporter(terminal) };
    await withOpened(settings.values, context, async opened => {
      const { alphas: _, ...summary } = await trainOn(opened, settings, context);
      const took = duration((performance.now() - start) / 1000);
      terminal.say(`${counted(summary.users.length, 'adapter')} in ${summary.run}/adapters after ${took}`);
      if (summary.clippedShare !== undefined) {
        const share = (100 * summary.clippedShare).toFixed(0);
        terminal.say(`the pure negative risk was below 0 in ${share}% of all steps (--negative-risk)`);
      }
      terminal.say(`metrics: ${summary.metrics}`);
      const isScored = !resolved.values.skipScore;
      const heldOut = isScored ? await scoreTrained(opened, summary, settings.values, { terminal, signal }) : null;
      if (json) terminal.print(JSON.stringify({ ...summary, heldOut }));
      else if (heldOut) showHeldOut(heldOut, terminal);
      if (!isScored && summary.users.length > 0) terminal.say(`next: idiolect score --run ${summary.run}`);
      requireAllTrained(summary);
    });
  },
});

function withoutSkipScore({ values, origins }: Resolved<Record<string, unknown>>): Resolved<TrainSettings> {
  const { skipScore: _value, ...kept } = values;
  const { skipScore: _origin, ...keptOrigins } = origins;
  return { values: kept as TrainSettings, origins: keptOrigins };
}

/** Scores the held-out texts of the users who have an adapter; where there are none, says why and returns null. */
async function scoreTrained(
  opened: Opened,
  { users, run }: Pick<TrainSummary, 'users' | 'run'>,
  { cache, device }: TrainSettings,
  { terminal, signal }: Pick<VerbArguments, 'terminal' | 'signal'>,
): Promise<HeldOutScores | null> {
  const asked = users.filter(({ queryRecords }) => queryRecords > 0);
  if (asked.length === 0) {
    const why =
      'no text was held out, so what the adapters learnt cannot be distinguished from what they have memorised';
    if (users.length > 0) terminal.say(`note: ${why} (--query-share)`);
    return null;
  }
  terminal.say('scoring the held-out texts (--skip-score leaves this out)');
  const clock = new TimeLeft();
  const settings = { run, users: nameListSchema.parse(asked.map(({ user }) => user)), cache, device };
  return scoreOn(await runOn(opened, await readRun({ run })), settings, {
    signal,
    onEvent: ({ done, total }) => terminal.progress(`held-out texts ${done}/${total} ${clock.after(done, total)}`),
  });
}

/** The most users in a table; for more, the verdicts are counted. */
const LISTED = 20;

function showHeldOut(scores: HeldOutScores, terminal: Terminal): void {
  const { users } = scores;
  const range = ({ low, high }: Estimate) => `[${decimal(low)}, ${decimal(high)}]`;
  const cells = (gain: Estimate | undefined) => (gain ? [signed(gain.mean), range(gain)] : ['-', '-']);
  const header = ['held-out texts, nats a token', 'texts', 'over the model', '95%', "over another's adapter", '95%'];
  const rows = users
    .slice(0, LISTED)
    .map(({ user, gain, personalGain }) => [
      printable(user, 40),
      String(gain.texts),
      ...cells(gain),
      ...cells(personalGain),
      verdictWord(gain),
    ]);
  const texts = String(scores.overall.texts);
  const all = [`all ${counted(users.length, 'user')}`, texts, ...cells(scores.gain), ...cells(scores.personalGain), ''];
  terminal.print(table([[...header, ''], ...rows, ...(users.length > 1 ? [all] : [])]));
  if (users.length > LISTED) {
    const counts = new Map<string, number>();
    for (const word of users.map(({ gain }) => verdictWord(gain))) counts.set(word, (counts.get(word) ?? 0) + 1);
    const verdicts = [...counts].map(([word, count]) => `${word} ${count}`).join(', ');
    terminal.print(
      `${counted(users.length - LISTED, 'more user')} (idiolect score lists them). Of all ${users.length}: ${verdicts}`,
    );
  }
  if (users.some(({ gain }) => gain.verdict === 'few')) {
    terminal.print(
      `A user with fewer than ${FEWEST_TEXTS} held-out texts cannot be judged alone; all users' texts together can.`,
    );
  }
  for (const sentence of runSentences(scores)) terminal.print(asFlags(sentence));
}
