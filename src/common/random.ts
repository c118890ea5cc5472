/**
 * A seeded random source that is passed in wherever chance is needed. Streams are derived from a seed and a
 * label (`random(7, 'auxiliary/alice')`), never from a shared counter, so that a run that continues where it stopped
 * draws the same numbers without replaying what came before.
 */

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform 32-bit integer. */
  bits(): number;
  /** A shuffled copy (Fisher-Yates). */
  shuffled<T>(items: readonly T[]): T[];
}

/** FNV-1a over UTF-16 units, four lanes with distinct offsets: a well-spread 128-bit state from any label. */
function stateOf(text: string): [number, number, number, number] {
  const lanes: [number, number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let lane = 0; lane < 4; lane++) {
    let hash = lanes[lane]!;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    lanes[lane] = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  }
  return lanes;
}

/** The sfc32 generator (Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush. */
export function random(seed: number, label = ''): Random {
  let [a, b, c, counter] = stateOf(`${seed}\u0000${label}`);
  const bits = () => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  for (let i = 0; i < 16; i++) bits(); // the first outputs still resemble the label
  const uniform = () => (bits() * 0x200000 + (bits() >>> 11)) / 2 ** 53;
  return {
    bits,
    uniform,
    integer: below => Math.floor(uniform() * below),
    normal() {
      // Box-Muller; 1 - u keeps the logarithm finite.
      return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    },
    shuffled(items) {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [copy[i], copy[j]] = [copy[j]!, copy[i]!];
      }
      return copy;
    },
  };
}
