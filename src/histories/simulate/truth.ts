/**
 * What is true of a simulated population. A user's way of writing is a mixture of ways that never write the same line,
 *
 *   P_u = s_u S + (1 - s_u) H_c(u)          U_u = mean of P_v over the other users v
 *
 * with S the shared way, H_c the habits of a circle of users, s_u the user's share of shared writing. Everybody has
 * equally many records, so that U_u is what the others' records are drawn from.
 */

export interface Member {
  /** s_u. */
  readonly shared: number;
  /** Which habits: users of one circle have the same. */
  readonly circle: number;
}

export interface TrueOverlap {
  /** Share of the others' records whose way of writing could be the user's: the mass of U where P is above 0. */
  readonly alpha: number;
  /** Largest alpha with U >= alpha P everywhere: the mixture proportion of positive-unlabelled learning. */
  readonly mixtureProportion: number;
}

/**
 * With u_S and u_H the shares of the others' records in the shared way and in the user's own habits,
 *
 *   alpha              = u_S [s > 0] + u_H [s < 1]
 *   mixture proportion = min(u_S / s, u_H / (1 - s)), a term with denominator 0 left out
 *
 * since the ways have disjoint supports: the ratio U / P is constant on each, u_S / s and u_H / (1 - s). The two agree
 * exactly where those ratios are equal, as for who writes in one way alone (s = 1, or s = 0); else the mixture
 * proportion is the smaller one, and 0 for a user with habits nobody shares.
 */
export function trueOverlaps(members: readonly Member[]): TrueOverlap[] {
  const others = members.length - 1;
  const allShared = members.reduce((sum, { shared }) => sum + shared, 0);
  const byCircle = new Map<number, number>();
  for (const { shared, circle } of members) byCircle.set(circle, (byCircle.get(circle) ?? 0) + 1 - shared);
  return members.map(({ shared, circle }) => {
    // Differences of sums: 1e-12 is above their rounding and below any share that matters.
    const settled = (share: number) => (share < 1e-12 ? 0 : share);
    const inShared = settled((allShared - shared) / others);
    const inHabits = settled((byCircle.get(circle)! - (1 - shared)) / others);
    const ratios = [...(shared > 0 ? [inShared / shared] : []), ...(shared < 1 ? [inHabits / (1 - shared)] : [])];
    return {
      alpha: (shared > 0 ? inShared : 0) + (shared < 1 ? inHabits : 0),
      mixtureProportion: Math.min(...ratios),
    };
  });
}
