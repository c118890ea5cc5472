/** What a path holds that histories can be made of: found by looking, for those who do not want to say it. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { COMMIT_FIELDS } from './commits.ts';
import { isCsv } from './csv.ts';
import { REQUIRED_FIELDS, tableColumns } from './table.ts';

/** Where histories come from. */
export type Source =
  /** A file that is read as it is. */
  | { readonly kind: 'histories'; readonly path: string }
  /** CSV or JSON Lines of other names. */
  | { readonly kind: 'table'; readonly path: string }
  | { readonly kind: 'git'; readonly path: string }
  /** LaMP's questions, and its answers where they are beside them. */
  | { readonly kind: 'lamp'; readonly path: string; readonly outputs: string | undefined };

const QUESTIONS = /questions\.json(\.gz)?$/;

/**
 * A JSON Lines file of histories, a table of other names, a git repository, a LaMP questions file, or a folder of
 * those, of which `dev` is taken where there are several, else one with its answers: those of LaMP's test split are
 * not public.
 *
 * @throws IdiolectError DATA where the path does not exist or holds none of them, as an empty file does
 */
export async function detectSource(path: string): Promise<Source> {
  const found = await stat(path).catch(error => {
    throw new IdiolectError('DATA', `${path} cannot be opened: it does not exist, or may not be read.`, {
      cause: error,
    });
  });
  if (found.isDirectory()) return inFolder(path);
  if (QUESTIONS.test(path)) return lamp(path);
  return { kind: (await isHistories(path)) ? 'histories' : 'table', path };
}

async function inFolder(path: string): Promise<Source> {
  if (await exists(join(path, '.git'))) return { kind: 'git', path };
  const names = (await readdir(path)).sort();
  // A bare repository is the content of a .git folder.
  if (['HEAD', 'objects', 'refs'].every(name => names.includes(name))) return { kind: 'git', path };
  const questions = await Promise.all(names.filter(name => QUESTIONS.test(name)).map(name => lamp(join(path, name))));
  const chosen =
    questions.find(split => basename(split.path).startsWith('dev_')) ??
    questions.find(split => split.outputs !== undefined) ??
    questions[0];
  if (chosen === undefined) {
    const expected = 'a git repository (.git) nor a folder of LaMP ({split}_questions.json)';
    throw new IdiolectError('DATA', `${path} is neither ${expected}. Give one of those, or a JSON Lines or CSV file.`);
  }
  return chosen;
}

async function lamp(path: string): Promise<Extract<Source, { kind: 'lamp' }>> {
  const outputs = path.replace(QUESTIONS, 'outputs.json');
  for (const name of [outputs, `${outputs}.gz`]) if (await exists(name)) return { kind: 'lamp', path, outputs: name };
  return { kind: 'lamp', path, outputs: undefined };
}

/** Whether the first line has all fields of a record or a commit; one that cannot be read is reported by whoever reads it. */
async function isHistories(path: string): Promise<boolean> {
  if (await isCsv(path)) return false;
  const found = await tableColumns(path).catch(() => null);
  return !found || [REQUIRED_FIELDS, COMMIT_FIELDS].some(fields => fields.every(field => found.includes(field)));
}
