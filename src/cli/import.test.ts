import { describe, expect, it } from 'vitest';
import type { Terminal } from '../terminal/terminal.ts';
import { reporting } from './import.ts';

function told(report: (say: ReturnType<typeof reporting>) => void): string[] {
  const lines: string[] = [];
  const made = reporting({ say: (line: string) => void lines.push(line) } as Terminal);
  report(made);
  made.finish();
  return lines;
}

describe('what an import leaves out', () => {
  it('is listed where it is little', () => {
    expect(told(({ onSkip }) => ['a', 'b'].forEach((line, i) => void onSkip(line, i + 1)))).toEqual([
      'note: a',
      'note: b',
    ]);
  });

  it('is counted where it is much', () => {
    const lines = told(({ onSkip }) => {
      for (let line = 1; line <= 300; line++) onSkip(`line ${line}`, line);
    });
    expect(lines).toHaveLength(7);
    expect(lines.slice(4)).toEqual([
      'note: line 5',
      'note: more entries were left out; they are not listed',
      'note: 300 entries were left out in all',
    ]);
  });

  it('is reported in one sentence where the reader counts by itself', () => {
    expect(told(({ onSkip }) => onSkip('300 commits were left out: merges.', 300))).toEqual([
      'note: 300 commits were left out: merges.',
    ]);
  });
});
