/** The commands that are killed, as small as they can be with every kind of file still written. */
import { writeFile } from 'node:fs/promises';
import { habitualHistories } from '../../examples/habits.ts';
import { writeHistories } from '../../src/histories/index.ts';
import { type Workspace, workspace } from '../support/workspace.ts';

const COMMON = ['--model', '../backbone', '--cache', 'cache', '--out', 'run'];
const APART = ['--target-users', '1', '--development-users', '1', '--auxiliary-from', 'others'];
const DATA = ['--data', '../histories.jsonl'];
const SMALL = ['--max-length', '96', '--rank', '2', '--threads', '1'];

export type CommandName = 'train' | 'more' | 'forget' | 'adapt' | 'compare' | 'search';

interface KilledCommand {
  /** Done first and left alone. */
  readonly before?: readonly string[];
  readonly args: readonly string[];
  /** What it says on standard error, and fails, where it was done before it was killed. */
  readonly done?: RegExp;
}

const TRAIN = ['train', ...COMMON, ...SMALL, '--epochs', '1', '--save-every', '1'];

export const COMMANDS: Readonly<Record<CommandName, KilledCommand>> = {
  train: { args: [...TRAIN, '--users', 'ada,grace', ...DATA] },
  // The same run with more records of one user.
  more: {
    before: [...TRAIN, '--users', 'ada,grace', ...DATA],
    args: [...TRAIN, '--users', 'ada,grace', '--data', '../more.jsonl'],
  },
  // A user whose name is in every file that can hold one.
  forget: {
    before: [...TRAIN, '--users', 'ada,grace', '--target-users', '../pair.json', '--auxiliary-from', 'all', ...DATA],
    args: ['forget', 'ada', '--cache', 'cache', '--out', 'run'],
    done: /run has no data of a user "ada"/,
  },
  adapt: {
    args: [
      'adapt',
      ...COMMON,
      ...DATA,
      ...SMALL,
      '--target-users',
      '../grace.json',
      '--epochs',
      '1',
      '--save-every',
      '1',
    ],
  },
  compare: {
    args: [
      ...['compare', ...COMMON, ...DATA, ...SMALL, ...APART, '--methods', 'rag,pag,cope,cbpo', '--rates', '0.001'],
      ...['--retrieved', '1', '--profile-records', '1', '--epochs', '1', '--task-epochs', '1', '--max-tokens', '4'],
    ],
  },
  // What the one above leaves out for its length: tries on development users.
  search: {
    args: [
      ...['compare', ...COMMON, ...DATA, ...SMALL, ...APART, '--methods', 'rag,pag', '--rates', '0.001,0.01'],
      ...['--retrieved', '1,2', '--profile-records', '1,2', '--skip-adaptation', '--max-tokens', '4'],
    ],
  },
};

/** Three users with few records: two or three steps for each adapter. */
export async function faultsWorkspace(): Promise<Workspace> {
  const place = await workspace();
  const histories = habitualHistories(6);
  await writeHistories(place.data, histories);
  const later = { ...histories[0]!, output: 'fix(parser): once more', time: '2026-02-01T00:00:00.000Z' };
  await writeHistories(place.path('more.jsonl'), [...histories, later]);
  await writeFile(place.path('pair.json'), JSON.stringify({ targets: ['ada', 'grace'] }));
  await writeFile(place.path('grace.json'), JSON.stringify({ targets: ['grace'] }));
  return place;
}
