/** Mean shifts of tokens grouped by how shared they are, with intervals. */
import { random } from '../../common/random.ts';
import { bootstrapMean, type Estimate } from '../../statistics/intervals.ts';

/** One completion under both runs; every list has one entry per token, the last being the end token's. */
export interface TokenShifts {
  /** The user whose adapters are compared. */
  readonly user: string;
  /** Its position among the user's chosen records, from 1. */
  readonly record: number;
  readonly tokens: readonly string[];
  /** Share of the other side's training texts that contain the token: how shared it is. */
  readonly shared: readonly number[];
  /** log pi_ref, natural logarithm. */
  readonly reference: readonly number[];
  /** log pi - log pi_ref under either run. */
  readonly run: readonly number[];
  readonly against: readonly number[];
}

export interface TokenGroup {
  /** Least and greatest share of the other side's texts that contain a token of the group. */
  readonly from: number;
  readonly to: number;
  /** Token occurrences. */
  readonly tokens: number;
  /** Mean shift in nats per token under either run, and run minus against, paired. */
  readonly run: Estimate;
  readonly against: Estimate;
  readonly difference: Estimate;
}

export interface TokenSummary {
  /** What is resampled: users where there are enough of them, else records. */
  readonly unit: 'user' | 'record';
  readonly units: number;
  /** From the most distinctive tokens to the most shared ones. */
  readonly groups: readonly TokenGroup[];
  /**
   * The difference among the most shared tokens minus that among the most distinctive ones, paired by unit: above 0
   * where `run` spares shared tokens more than it does others. Absent with fewer than two groups.
   */
  readonly contrast?: Estimate;
}

/** With fewer users an interval over users would say little, and the unit is the record. */
const FEWEST_USERS = 5;
const QUANTILES = [0.25, 0.5, 0.75];

interface Token {
  readonly unit: string;
  readonly shared: number;
  readonly run: number;
  readonly against: number;
}

/**
 * Quarters of all token occurrences by `shared`, equal values in one group (so groups differ in size where many are
 * equal). A group's mean is the mean over units of each unit's mean, and the interval resamples units. The end token,
 * which closes every text, is left out.
 */
export function summarizeShifts(texts: readonly TokenShifts[]): TokenSummary {
  const unit = new Set(texts.map(({ user }) => user)).size >= FEWEST_USERS ? 'user' : 'record';
  const tokens = texts.flatMap(({ user, record, shared, run, against }) =>
    shared.slice(0, -1).map((share, t): Token => {
      const name = unit === 'user' ? user : JSON.stringify([user, record]);
      return { unit: name, shared: share, run: run[t]!, against: against[t]! };
    }),
  );
  const ordered = tokens.map(({ shared }) => shared).sort((a, b) => a - b);
  const limits = QUANTILES.map(share => ordered[Math.ceil(share * ordered.length) - 1]!);
  const grouped = Map.groupBy(tokens, ({ shared }) => limits.filter(limit => shared > limit).length);
  const groups = [...grouped].sort(([a], [b]) => a - b).map(([, members]) => members);
  const summary = { unit, units: new Set(tokens.map(token => token.unit)).size, groups: groups.map(groupOf) } as const;
  if (groups.length < 2) return summary;
  const low = meansByUnit(groups[0]!, difference);
  const high = meansByUnit(groups.at(-1)!, difference);
  const paired = [...high].flatMap(([name, mean]) => (low.has(name) ? [mean - low.get(name)!] : []));
  return paired.length === 0 ? summary : { ...summary, contrast: bootstrapMean(paired, random(0, 'contrast')) };
}

function difference({ run, against }: Token): number {
  return run - against;
}

function groupOf(members: readonly Token[], place: number): TokenGroup {
  const shares = members.map(({ shared }) => shared);
  const estimate = (name: string, of: (token: Token) => number) =>
    bootstrapMean([...meansByUnit(members, of).values()], random(0, `${name} ${place}`));
  return {
    from: shares.reduce((a, b) => Math.min(a, b)),
    to: shares.reduce((a, b) => Math.max(a, b)),
    tokens: members.length,
    run: estimate('run', token => token.run),
    against: estimate('against', token => token.against),
    difference: estimate('difference', difference),
  };
}

function meansByUnit(tokens: readonly Token[], of: (token: Token) => number): Map<string, number> {
  const units = Map.groupBy(tokens, ({ unit }) => unit);
  return new Map([...units].map(([name, own]) => [name, own.reduce((sum, one) => sum + of(one), 0) / own.length]));
}
