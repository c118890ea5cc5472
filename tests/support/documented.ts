/** The commands and programs that the documents print, as a reader would copy them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Snippet {
  /** The document, from the root of the project. */
  readonly file: string;
  readonly line: number;
  /** A command, its continued lines joined; or a whole program. */
  readonly text: string;
}

/** README.md, the starter's and those directly in docs/. */
export async function documents(): Promise<string[]> {
  const docs = (await readdir(join(ROOT, 'docs'))).filter(name => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'starter/README.md', ...docs.sort().map(name => `docs/${name}`)];
}

/** The fenced blocks of a language in a document. */
export async function blocks(file: string, language: string): Promise<Snippet[]> {
  const found: Snippet[] = [];
  const lines = (await readFile(join(ROOT, file), 'utf8')).split('\n');
  for (let start = 0; start < lines.length; start++) {
    if (lines[start] !== `\`\`\`${language}`) continue;
    const end = lines.indexOf('```', start);
    found.push({ file, line: start + 2, text: lines.slice(start + 1, end).join('\n') });
    start = end;
  }
  return found;
}

/** The commands of a document's `sh` blocks, in order; comments are left out. */
export async function commands(file: string): Promise<Snippet[]> {
  return (await blocks(file, 'sh')).flatMap(({ line, text }) => {
    const joined = text.replaceAll(/ *\\\n */g, match => ` ${'\0'.repeat(match.split('\n').length - 1)}`);
    let at = line - 1;
    return joined.split('\n').flatMap(command => {
      at += 1;
      const here = at;
      at += command.split('\0').length - 1;
      const plain = command
        .replaceAll('\0', '')
        .replace(/(^| {2,})#.*$/, '')
        .trim();
      return plain === '' ? [] : [{ file, line: here, text: plain }];
    });
  });
}
