/** `idiolect tokens` */
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { makeFolder, removeDeadStaging, writeFileAtomic } from '../common/files.ts';
import { type OutputOptions, requireOutputFile } from '../common/output.ts';
import { categoryOf, groupsPicture, type RunNames, shiftPicture } from '../jobs/tokens/token-pictures.ts';
import { measureTokenShifts, type TokensSettings, tokensSchema } from '../jobs/tokens/token-shift.ts';
import { RunFolder } from '../runs/run-folder.ts';
import type { Estimate } from '../statistics/intervals.ts';
import { table } from '../terminal/table.ts';
import { TimeLeft } from '../terminal/time-left.ts';
import { defineVerb, force } from './verb.ts';

export const tokensVerb = defineVerb({
  name: 'tokens',
  summary:
    'Compares two runs token by token: which tokens each made more or less likely, and whether shared tokens were spared.',
  operands: [],
  schema: tokensSchema.extend({ force }),
  example: 'idiolect tokens --run runs/cbpo --against runs/bco --set auxiliary --out shift',
  async run({ resolved, json, config, terminal, signal }) {
    const { force, ...settings } = resolved.values;
    await requireFree(settings.out, { force, inputs: [config] });
    const clock = new TimeLeft();
    const { texts, summary } = await measureTokenShifts(settings, {
      signal,
      onEvent: event => {
        if (event.type === 'notice') return terminal.say(`note: ${event.message}`);
        terminal.progress(`scored ${event.done}/${event.total} ${clock.after(event.done, event.total)}`);
      },
    });
    const names = namesOf(settings);
    const write = async (name: string, content: string) => {
      await writeFileAtomic(join(settings.out, name), content);
      return join(settings.out, name);
    };
    const { run, against, set } = settings;
    const data = await write('tokens.json', `${JSON.stringify({ run, against, set, summary, texts })}\n`);
    const pictures = [await write('groups.svg', groupsPicture(summary, names))];
    for (const [user, own] of Map.groupBy(texts, text => text.user)) {
      const folder = basename(new RunFolder(run).adapterOf(user));
      pictures.push(await write(`tokens-${folder}.svg`, shiftPicture(own, names)));
    }
    if (json) {
      terminal.print(JSON.stringify({ data, pictures, summary }));
      return;
    }
    const { groups, contrast, unit, units } = summary;
    const rows = groups.map((group, place) => [
      categoryOf(group, place, groups.length),
      String(group.tokens),
      group.run.mean.toFixed(4),
      group.against.mean.toFixed(4),
      interval(group.difference),
    ]);
    terminal.print(table([['tokens', 'count', names.run, names.against, 'difference'], ...rows]));
    if (contrast) terminal.print(`difference of shared minus distinctive tokens: ${interval(contrast)}`);
    terminal.print(`mean shift in nats per token; 95% intervals over ${units} ${unit}s`);
    terminal.say(`data: ${data}\npictures: ${pictures.join(', ')}`);
  },
});

const isPicture = (name: string) => /^tokens-.*\.svg$/.test(name);

/**
 * Checks the folder before anything is measured. Which users will have pictures is not known yet, so none may be there.
 */
async function requireFree(out: string, options: OutputOptions): Promise<void> {
  await makeFolder(out);
  const pictures = (await readdir(out)).filter(isPicture);
  for (const name of ['tokens.json', 'groups.svg', ...pictures]) await requireOutputFile(join(out, name), options);
  await removeDeadStaging(out, isPicture);
}

function interval({ mean, low, high }: Estimate): string {
  return `${mean.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
}

/** The last parts of the folders' paths, or the whole paths where those are the same. */
function namesOf({ run, against }: TokensSettings): RunNames {
  const short = { run: basename(resolve(run)), against: basename(resolve(against)) };
  return short.run === short.against ? { run, against } : short;
}
