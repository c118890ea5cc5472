/** The commands that are killed, as small as they can be with every kind of file still written. */
import { writeFile } from 'node:fs/promises';
import { habitualHistories } from '../../examples/habits.ts';
import { writeHistories } from '../../src/histories/index.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const COMMON = ['--model', '../backbone', '--data', '../histories.jsonl', '--cache', 'cache', '--out', 'run'];
const APART = ['--target-users', '1', '--development-users', '1', '--auxiliary-from', 'others'];
const SMALL = ['--max-length', '96', '--rank', '2', '--threads', '1'];

export const COMMANDS = {
  train: ['train', ...COMMON, ...SMALL, '--users', 'ada,grace', '--epochs', '1', '--save-every', '1'],
  adapt: ['adapt', ...COMMON, ...SMALL, '--target-users', '../grace.json', '--epochs', '1', '--save-every', '1'],
  compare: [
    ...['compare', ...COMMON, ...SMALL, ...APART, '--methods', 'rag,pag,cope,cbpo', '--rates', '0.001'],
    ...['--retrieved', '1', '--profile-records', '1', '--epochs', '1', '--task-epochs', '1', '--max-tokens', '4'],
  ],
  // What the one above leaves out for its length: tries on development users.
  search: [
    ...['compare', ...COMMON, ...SMALL, ...APART, '--methods', 'rag,pag', '--rates', '0.001,0.01', '--max-tokens', '4'],
    ...['--retrieved', '1,2', '--profile-records', '1,2', '--skip-adaptation'],
  ],
} as const satisfies Record<string, readonly string[]>;

export type CommandName = keyof typeof COMMANDS;

/** Three users with few records: two or three steps for each adapter. */
export async function faultsWorkspace(): Promise<Workspace> {
  const place = await workspace();
  await writeHistories(place.data, habitualHistories(6));
  await writeFile(place.path('grace.json'), JSON.stringify({ targets: ['grace'] }));
  return place;
}
