/** Token shifts as pictures: each text token by token, and the groups of tokens from distinctive to shared. */

import { dotChart } from '../../charts/dot-chart.ts';
import { tokenStrip } from '../../charts/token-strip.ts';
import { counted } from '../../common/counted.ts';
import { printable } from '../../common/printable.ts';
import type { TokenShifts, TokenSummary } from './token-groups.ts';

/** The names of the two runs. */
export interface RunNames {
  readonly run: string;
  readonly against: string;
}

/** The most texts in one picture; all are in the data. */
const SHOWN = 6;

/** The texts of one user: a row for each run and one for their difference. */
export function shiftPicture(texts: readonly TokenShifts[], { run, against }: RunNames): string {
  const shown = texts.slice(0, SHOWN);
  const rows = shown.map(text => [
    { label: run, values: text.run },
    { label: against, values: text.against },
    { label: 'difference', values: text.run.map((value, t) => value - text.against[t]!) },
  ]);
  // A few tokens that moved far would leave all others pale: the largest twentieth gets the full colour.
  const sizes = rows.flatMap(three => three.flatMap(({ values }) => values.map(Math.abs))).sort((a, b) => a - b);
  const limit = Number(sizes[Math.ceil(0.95 * sizes.length) - 1]!.toPrecision(2));
  return tokenStrip({
    title: `Token by token: ${run} and ${against}`,
    subtitle: `User ${printable(shown[0]!.user)}, ${shown.length} of ${counted(texts.length, 'record')}; difference is ${run} minus ${against}.`,
    value: { label: 'log π − log π_ref in nats: red pushed down, blue pushed up', ...(limit > 0 && { limit }) },
    texts: shown.map(({ record, tokens }, i) => ({ label: `record ${record}`, tokens, rows: rows[i]! })),
  });
}

/** Mean shift by how shared tokens are. */
export function groupsPicture({ groups, unit, units }: TokenSummary, { run, against }: RunNames): string {
  const series = ([run, against, 'difference'] as const).map((name, i) => ({
    name,
    values: groups.map((group, place) => {
      const { mean, low, high } = [group.run, group.against, group.difference][i]!;
      return { category: categoryOf(group, place, groups.length), value: mean, low, high };
    }),
  }));
  return dotChart({
    title: 'Shift of distinctive and of shared tokens',
    subtitle: `95% bootstrap intervals over ${units} ${unit}s; difference is ${run} minus ${against}.`,
    value: { label: 'mean log π − log π_ref, nats per token', zero: true },
    series,
  });
}

/** Such as `most shared: in 41% to 96% of texts`. */
export function categoryOf({ from, to }: { from: number; to: number }, place: number, of: number): string {
  const percent = (share: number) => `${Number((100 * share).toPrecision(2))}%`;
  const name = place === 0 ? 'most distinctive: ' : place === of - 1 ? 'most shared: ' : '';
  return `${name}in ${from === to ? percent(from) : `${percent(from)} to ${percent(to)}`} of texts`;
}
