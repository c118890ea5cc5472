/** What `idiolect init` asks on a terminal where flags do not give the answer. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { confirm, isCancel, select, text } from '@clack/prompts';
import { IdiolectError } from '../common/errors.ts';
import { stopped } from '../common/stop.ts';
import type { TableColumns, TableField } from '../histories/index.ts';
import { parseModelName } from '../hub/hub-cache.ts';

/** Questions to a person. Ctrl-C at any of them ends the command. */
export interface Dialogue {
  /** @param problem one sentence on why an answer is invalid, or undefined */
  text(question: string, initial: string, problem: (answer: string) => string | undefined): Promise<string>;
  choose(question: string, answers: readonly { value: string; label: string }[]): Promise<string>;
  confirm(question: string): Promise<boolean>;
}

export function dialogue(streams: { readonly input: Readable; readonly output: Writable }): Dialogue {
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (isCancel(answer)) throw stopped('no commands were written');
    return answer as Exclude<T, symbol>;
  };
  return {
    async text(message, initialValue, problem) {
      const validate = (answer: string | undefined) => problem(inHome(answer ?? ''));
      return inHome(answered(await text({ ...streams, message, initialValue, validate })));
    },
    async choose(message, answers) {
      return answered(await select({ ...streams, message, options: [...answers] }));
    },
    async confirm(message) {
      return answered(await confirm({ ...streams, message }));
    },
  };
}

/** Expands ~, as there is no shell to do it for an answer. */
function inHome(path: string): string {
  return path.trim().replace(/^~(?=\/|$)/, homedir());
}

interface Answers {
  readonly data: string;
  readonly model: string;
  readonly out: string;
}

/**
 * Takes the answers from flags, and asks for the rest.
 *
 * @param talk null where nobody can be asked
 * @throws IdiolectError USAGE naming the flags that are missing where nobody can be asked
 */
export async function askAnswers(flags: Partial<Answers>, talk: Dialogue | null): Promise<Answers> {
  const missing = (['data', 'model', 'out'] as const).filter(name => flags[name] === undefined);
  if (!talk && missing.length > 0) {
    throw new IdiolectError(
      'USAGE',
      `idiolect init asks questions only on a terminal; otherwise give ${missing.map(name => `--${name}`).join(', ')}.`,
    );
  }
  const ask = async (question: string, initial: string, problem: (path: string) => string | undefined) =>
    talk!.text(question, initial, problem);
  return {
    data:
      flags.data ??
      (await ask('Where are the histories? (JSON Lines, CSV, a git repository, a folder of LaMP)', '', path =>
        existsSync(path) ? undefined : 'There is no such file or folder.',
      )),
    model:
      flags.model ??
      (await ask('Which model? (a Hugging Face folder, owner/name on the Hub, or starter)', '', path =>
        existsSync(join(path, 'config.json')) || path === 'starter' || parseModelName(path)
          ? undefined
          : 'There is no config.json.',
      )),
    out:
      flags.out ?? (await ask('Where to write to? (a folder)', 'first', path => (path === '' ? 'A name.' : undefined))),
  };
}

const WHAT: Readonly<Record<TableField, string>> = {
  user: 'who wrote the text',
  input: 'what it was written in answer to',
  output: 'the text',
  time: 'when it was written',
  label: 'whether its user liked it',
};

/** Asks which columns hold the fields. */
export async function askColumns(
  talk: Dialogue,
  fields: readonly TableField[],
  columns: readonly string[],
): Promise<TableColumns> {
  const chosen: Partial<Record<TableField, string>> = {};
  for (const field of fields) {
    const answers = columns.map(name => ({ value: name, label: name }));
    if (field === 'input') answers.push({ value: '', label: '(none: nothing was asked)' });
    if (field === 'time') answers.push({ value: '', label: '(none: the rows are in order from old to new)' });
    const column = await talk.choose(`Which column is ${WHAT[field]}?`, answers);
    // Leaving a field out means no times, but for the input it means the column of that name.
    if (column !== '' || field === 'input') chosen[field] = column;
  }
  return chosen;
}
