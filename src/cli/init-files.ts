/** What `idiolect init` writes: settings for --config, and a shell script of the commands. */
import { relative, resolve } from 'node:path';
import { quoted } from '../common/shell.ts';
import type { Source, TableOptions } from '../histories/index.ts';

export function commandLine(...words: readonly string[]): string {
  return ['npx', 'idiolect', ...words].map(quoted).join(' ');
}

/** The arguments that import the histories again. */
export function importArguments(
  source: Source,
  reading: TableOptions,
  out: string,
  bots: 'leave-out' | 'keep' = 'leave-out',
): string[] {
  const { columns = {}, timeFormat, quote, skipBad } = reading;
  const fields = Object.entries(columns).flatMap(([field, name]) =>
    name === undefined ? [] : [`--${field}-field`, name],
  );
  const outputs = source.kind === 'lamp' && source.outputs !== undefined ? ['--outputs', source.outputs] : [];
  const format = [
    ...(timeFormat === undefined ? [] : ['--time-format', timeFormat]),
    ...(quote === undefined ? [] : ['--quote', quote]),
  ];
  const programs = source.kind === 'git' && bots === 'keep' ? ['--bots', bots] : [];
  const skipping = skipBad && source.kind !== 'git' ? ['--skip-bad'] : [];
  const place = ['--out', out, '--force'];
  return ['import', source.kind, source.path, ...fields, ...format, ...outputs, ...programs, ...skipping, ...place];
}

/**
 * A script that runs commands in the folder they were written for, wherever it is started.
 *
 * @param folder of the script
 * @param imported the command that imported the histories; shown in a comment, not run, as they exist already
 */
export function shellScript(folder: string, commands: readonly string[], imported: string | null): string {
  const home = relative(resolve(folder), process.cwd()) || '.';
  const again =
    imported === null ? '' : `# The histories were imported already. To import them again:\n#   ${oneLine(imported)}\n`;
  return `#!/bin/sh
# Written by idiolect init: one adapter per user, then how likely each user's later texts are with and without it.
# If it is stopped, the same script continues where it was; finished users are not trained again.
set -eu
CDPATH= cd -- "$(dirname "$0")"
CDPATH= cd -- ${quoted(home)}
${again}${commands.join('\n')}
`;
}

/** Within a comment, so that no file name can end it. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}
