/** The arguments of each verb, one a line, and the file that --config names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ablateVerb } from '../../../src/cli/ablate.ts';
import { adaptVerb } from '../../../src/cli/adapt.ts';
import { compareVerb } from '../../../src/cli/compare.ts';
import { doctorVerb } from '../../../src/cli/doctor.ts';
import { generateVerb } from '../../../src/cli/generate.ts';
import { importGitVerb, importTableVerb } from '../../../src/cli/import.ts';
import { overlapVerb } from '../../../src/cli/overlap.ts';
import { scoreVerb } from '../../../src/cli/score.ts';
import { simulateVerb } from '../../../src/cli/simulate.ts';
import { tokensVerb } from '../../../src/cli/tokens.ts';
import { trainVerb } from '../../../src/cli/train.ts';
import { parseLine, type Verb } from '../../../src/cli/verb.ts';
import { flagsOf } from '../../../src/common/flags.ts';
import type { Kind } from '../kind.ts';

const VERBS: readonly Verb[] = [
  ...[trainVerb, adaptVerb, compareVerb, overlapVerb, scoreVerb, ablateVerb, tokensVerb],
  ...[generateVerb, doctorVerb, importGitVerb, importTableVerb, simulateVerb],
];

/** Every setting that has a default, as numbers and switches where it is one. */
function settingsOf({ schema }: Verb): Record<string, unknown> {
  const defaults = Object.entries(schema.shape).map(([key, field]) => [key, field.safeParse(undefined).data] as const);
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined));
}

export const flags: Kind = async () =>
  VERBS.map(verb => {
    const words = [...verb.example.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word).slice(1);
    const example = words.slice(verb.name.split(' ').length);
    const defaults = flagsOf(verb.schema).flatMap(({ name, defaultText }) => (defaultText ? [name, defaultText] : []));
    return {
      name: verb.name,
      files: {
        'arguments.txt': Buffer.from([...example, ...defaults].join('\n')),
        'settings.json': Buffer.from(JSON.stringify(settingsOf(verb))),
      },
      read: async (folder: string) => {
        const lines = (await readFile(join(folder, 'arguments.txt'), 'utf8').catch(() => '')).split('\n');
        await parseLine(verb, [...lines, '--config', join(folder, 'settings.json')]);
      },
    };
  });
