/** An ablation as Markdown tables and pictures. */

import { lineChart } from '../../charts/line-chart.ts';
import { counted } from '../../common/counted.ts';
import { markdownText } from '../../results/markdown-table.ts';
import type { Estimate } from '../../statistics/intervals.ts';
import type { CellResult, SweepResult } from './ablation-results.ts';
import { settingName } from './sweep.ts';

const interval = ({ mean, low, high }: Estimate) => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/**
 * One table per sweep. Nats per completion token on held-out records; 95% intervals over users, not corrected for their
 * number.
 */
export function ablationTables(sweeps: readonly SweepResult[], pictures: readonly string[]): string {
  const sections = sweeps.map(({ settings, cells }, i) => {
    const names = settings.map(settingName);
    const head = [
      ...names,
      'gain over the base',
      'minus the first row',
      'over another’s adapter',
      'clipped steps',
      'KL',
    ];
    const lines = cells.map(cell => row([...settings.map(key => markdownText(cell.texts[key]!)), ...numbersOf(cell)]));
    return [
      `## ${names.join(' x ')}`,
      '',
      row(head),
      row(head.map(() => '---')),
      ...lines,
      '',
      ...groupTable(settings, cells),
      `![${names.join(' x ')}](${pictures[i]})`,
      '',
    ].join('\n');
  });
  const users = sweeps[0]!.cells[0]!.users.length;
  return `# Ablation\n\nHeld-out log-likelihood of ${counted(users, 'user')}, nats per completion token: own adapter minus base, mean over users with 95% bootstrap interval over users. The second column pairs by user. Intervals are not corrected for the number of rows.\n\n${sections.join('\n')}`;
}

/** The gain by uniqueness of the users. */
function groupTable(settings: readonly string[], cells: readonly CellResult[]): string[] {
  const groups = cells[0]!.groups;
  if (groups.length === 0) return [];
  const head = [
    ...settings.map(settingName),
    ...groups.map(({ group, users }) => `${group} (${counted(users, 'user')})`),
  ];
  const lines = cells.map(cell =>
    row([...settings.map(key => markdownText(cell.texts[key]!)), ...cell.groups.map(({ gain }) => interval(gain))]),
  );
  return ['Gain by uniqueness:', '', row(head), row(head.map(() => '---')), ...lines, ''];
}

function numbersOf({ gain, difference, personalGain, clippedShare, kl }: CellResult): string[] {
  return [
    interval(gain),
    difference ? interval(difference) : '',
    personalGain ? interval(personalGain) : '',
    clippedShare === undefined ? '' : `${(100 * clippedShare).toFixed(0)}%`,
    kl === undefined ? '' : kl.toFixed(3),
  ];
}

/** The gain along the sweep's last setting, with one line per combination of the others. */
export function sweepChart({ settings, cells }: SweepResult): string {
  const along = settings.at(-1)!;
  const others = settings.slice(0, -1);
  const nameOf = (cell: CellResult) => others.map(key => `${settingName(key)} ${cell.texts[key]}`).join(', ') || 'gain';
  const numeric = cells.every(({ texts }) => Number.isFinite(Number(texts[along])));
  const names = [...new Set(cells.map(nameOf))];
  return lineChart({
    title: `Held-out gain by ${settings.map(settingName).join(' and ')}`,
    subtitle: `own adapter over base, mean over ${counted(cells[0]!.users.length, 'user')}, 95% interval`,
    x: { label: settingName(along), type: numeric ? 'linear' : 'point' },
    y: { label: 'nats per token' },
    series: names.map(name => ({
      name,
      points: cells
        .filter(cell => nameOf(cell) === name)
        .map(({ texts, gain: { mean, low, high } }) => {
          const text = texts[along]!;
          return { x: numeric ? Number(text) : text, y: mean, low, high };
        }),
    })),
  });
}
