/** Ways in which a hand or a disk damages a file, and what a command that reads it may then say. */
import { stripVTControlCharacters } from 'node:util';
import { expect, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';

export interface Done {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line in this process: what is no sentence of ours is thrown, and fails the test. */
export async function inProcess(args: readonly string[]): Promise<Done> {
  let [stdout, stderr] = ['', ''];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    stdout += text;
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    stderr += text;
    return true;
  });
  try {
    await main(args);
    return { code: Number(process.exitCode ?? 0), stdout, stderr };
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    error.mockRestore();
  }
}

/** One sentence of ours that names the file. */
export function expectSentence(stderr: string, file: string): void {
  const sentence = stderr.trimEnd().split('\n').at(-1)!;
  expect(stripVTControlCharacters(sentence)).toMatch(/^error: /);
  expect(sentence).toContain(file);
  expect(sentence.length).toBeLessThan(1000);
  expect(stderr).not.toMatch(/^\s+at |ZodError|"path":|SyntaxError|EISDIR/m);
}

/** A `null` in the middle of a file of lines, and the first line otherwise. */
export const withNull = (content: Buffer) =>
  Buffer.from(content.toString('latin1').replace('\n', '\nnull\n'), 'latin1');

export const DAMAGES: readonly (readonly [string, (content: Buffer, field: RegExp, wrong: string) => Buffer])[] = [
  ['is empty', () => Buffer.alloc(0)],
  ['is null', () => Buffer.from('null\n')],
  ['is a list', () => Buffer.from('[]\n')],
  ['is cut in half', content => content.subarray(0, Math.floor(content.length / 2))],
  ['has another type in a field', (content, field, wrong) => replaced(content, field, wrong)],
  ['holds a null', withNull],
  ['is binary', content => Buffer.from(content.map((byte, i) => (byte * 31 + 7 * i + 128) & 0xff))],
  ['is all zeros', content => Buffer.alloc(content.length)],
  ['is one long line', () => Buffer.alloc(17 * 2 ** 20, 'x')],
];

function replaced(content: Buffer, field: RegExp, wrong: string): Buffer {
  const text = content.toString('latin1');
  expect(text).toMatch(field);
  return Buffer.from(text.replace(field, wrong), 'latin1');
}
