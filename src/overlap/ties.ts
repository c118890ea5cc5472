/**
 * Scores that tie. A user whose records look alike has few different scores, which no density describes; the
 * estimators that compare densities need to know, and need something to put in the place of the tied scores.
 */
import type { BySide, Scores } from './cross-fit.ts';

/** With fewer ties than this a normal still fits; continuous scores have none. */
const MOST_TIED = 0.2;

/** The records of either side that share one score. */
interface Tie {
  readonly logOdds: number;
  readonly target: number[];
  readonly auxiliary: number[];
}

/** Whether more than a fifth of the target's records share their score with another record of the target. */
export function isTied({ target }: Pick<Scores, 'target'>): boolean {
  const counts = [...Map.groupBy(target, score => score).values()];
  const tied = counts.reduce((sum, { length }) => sum + (length > 1 ? length : 0), 0);
  return tied > MOST_TIED * target.length;
}

/**
 * Normal scores (van der Waerden 1952): the order of the scores on a scale where the target's are normal. alpha depends
 * on the order alone, which is how the binormal model is fitted to scores of any shape (Metz, Herman & Shen 1998).
 *
 * Records that tie with b of the target's n below and a of them equal are spread over the stretch of the normal from
 * b / n to (b + a) / n, on both sides alike: nothing tells them apart. An auxiliary record between two of the target's
 * goes where they meet; one beyond all of them keeps its distance, in deviations of all scores together.
 */
export function normalScores(logOdds: BySide<Float64Array>): BySide<Float64Array> {
  const n = logOdds.target.length;
  const ties = tiesOf(logOdds);
  const owned = ties.filter(tie => tie.target.length > 0);
  const [lowest, highest] = [owned[0]!.logOdds, owned.at(-1)!.logOdds];
  const unit = deviationOf([...logOdds.target, ...logOdds.auxiliary]) || 1;
  const placed = { target: new Float64Array(n), auxiliary: new Float64Array(logOdds.auxiliary.length) };
  let below = 0;
  for (const tie of ties) {
    const equal = tie.target.length;
    const beyond = (tie.logOdds - Math.min(highest, Math.max(lowest, tie.logOdds))) / unit;
    for (const side of ['target', 'auxiliary'] as const) {
      tie[side].forEach((record, i) => {
        const share = (below + (equal * (i + 0.5)) / tie[side].length) / n;
        placed[side][record] = normalQuantile(Math.min(1 - 0.5 / n, Math.max(0.5 / n, share))) + beyond;
      });
    }
    below += equal;
  }
  return placed;
}

/** The different scores, lowest first, with the records that have them. */
function tiesOf({ target, auxiliary }: BySide<Float64Array>): Tie[] {
  const records = [
    ...Array.from(target, (logOdds, record) => ({ logOdds, record, side: 'target' as const })),
    ...Array.from(auxiliary, (logOdds, record) => ({ logOdds, record, side: 'auxiliary' as const })),
  ].sort((a, b) => a.logOdds - b.logOdds);
  const ties: Tie[] = [];
  for (const { logOdds, record, side } of records) {
    const last = ties.at(-1);
    if (last && logOdds === last.logOdds) last[side].push(record);
    else ties.push({ logOdds, target: [], auxiliary: [], [side]: [record] });
  }
  return ties;
}

function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** The standard normal's quantile to 4.5e-4 (Abramowitz & Stegun 26.2.23), far closer than the spread of ties need be. */
function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  const t = Math.sqrt(-2 * Math.log(p));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  const under = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  return above / under - t;
}
