/** `idiolect forget` */
import { join } from 'node:path';
import { printable } from '../common/printable.ts';
import { type Forgotten, forget, forgetSchema } from '../jobs/forget.ts';
import { defineVerb } from './verb.ts';

export const forgetVerb = defineVerb({
  name: 'forget',
  summary:
    'Removes a user from a run: adapter, checkpoint, scores, metrics, alpha, name and caches. Lists the adapters of others that were trained against the user’s texts.',
  operands: [{ name: 'USER', description: 'the user, by the name in the histories' }],
  schema: forgetSchema,
  example: 'idiolect forget ada --out runs/first',
  async run({ resolved, operands, json, terminal }) {
    const forgotten = await forget(operands[0]!, resolved.values);
    if (json) terminal.print(JSON.stringify(forgotten));
    else for (const sentence of sentencesOf(forgotten)) terminal.print(sentence);
  },
});

function sentencesOf({ user, run, seenBy, unknown, cache, caches }: Forgotten): string[] {
  const name = `"${printable(user)}"`;
  const list = (users: readonly string[]) => users.map(one => printable(one)).join(', ');
  return [
    `${run} has no data of ${name} any more.`,
    caches.length > 0
      ? `Caches removed, to be computed again when needed: ${caches.join(', ')}`
      : `No caches of the run were found in ${cache}. If they are elsewhere, remove them there.`,
    seenBy.length > 0
      ? `Adapters trained against texts of ${name}: ${list(seenBy)}. To train one again without those texts, remove them ` +
        `from the histories, remove its folder in ${join(run, 'adapters')}, and repeat the train command.`
      : `No adapter of the run is recorded as trained against texts of ${name}.`,
    ...(unknown.length > 0
      ? [`Adapters made by an earlier version, which did not record whose texts they saw: ${list(unknown)}.`]
      : []),
    `The histories are unchanged. If they have records of ${name}, the next train command trains the user again. ` +
      'Other runs, merged models and copies of the adapter are not touched.',
  ];
}
