/**
 * How far the way of writing of generated texts is from the user's own, whatever they are about: what ROUGE cannot see,
 * as it drops cases, punctuation and most of the form.
 *
 * The distance of two sets of texts A and B is the mean of three parts, each from 0 (the same) to 1:
 *
 *     ngrams    1 - cos(mean of A's n-gram vectors, mean of B's), at most 1        (`ngramVector`: characters and shape)
 *     shape     mean over features f of |mean_A f - mean_B f| / (2 sd f),          (Burrows 2002, "Delta")
 *               sd f^2 = (var_A f + var_B f) / 2 + ((mean_A f - mean_B f) / 2)^2   (both sets weighing the same)
 *     openings  half the sum over patterns of |share in A - share in B|            (total variation)
 *
 * A pattern is the shape of a text's first word with repetitions taken out: "Fix" is Aa, "fix(api):" is a(a):, "#12" is
 * #0. Sets with equal distributions have distance 0; samples of them have more, the fewer the texts, so that a distance
 * means something only beside its noise floor (`compareStyle`).
 */
import { IdiolectError } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import { ngramVector, shapeOf } from '../overlap/ngrams.ts';

export interface StyleDistance {
  readonly ngrams: number;
  readonly shape: number;
  readonly openings: number;
  /** Their mean. */
  readonly distance: number;
}

export interface StyleComparison {
  /** Mean distance of generated texts from own ones. */
  readonly distance: number;
  /** Mean distance of own texts from own ones, in sets of the same size: what chance alone makes. */
  readonly floor: number;
  /** 95% of the own sets' distances are at most this. */
  readonly floorHigh: number;
  /** Texts in each set. */
  readonly size: number;
}

/** Random divisions of the own texts. */
const SPLITS = 50;

/** Numbers that describe the form of one text. Shares are of its characters unless said otherwise. */
const FEATURES: readonly ((text: string) => number)[] = [
  text => Math.log1p(count(text, /./gsu)), // characters
  text => Math.log1p(count(text, /\S+/gu)), // words
  text => share(count(text, /\S/gu), count(text, /\S+/gu)), // characters a word
  text => Math.log1p(count(text, /\n/gu)), // line ends
  text => share(count(text, /\p{Lu}/gu), count(text, /\p{L}/gu)), // upper-case letters, of letters
  text => share(count(text, /(?<!\S)\p{Lu}/gu), count(text, /\S+/gu)), // capitalised words, of words
  text => count(text, /^\s*\p{Lu}/gu), // begins in upper case: 0 or 1
  text => share(count(text, /\p{P}/gu), count(text, /./gsu)), // punctuation
  text => count(text, /[.!?…]\s*$/gu), // ends like a sentence: 0 or 1
  text => share(count(text, /\p{Nd}/gu), count(text, /./gsu)), // digits
  text => share(count(text, /\p{Extended_Pictographic}/gu), count(text, /./gsu)), // emoji
  text => share(count(text, /[`$+<=>^|~_*#@\\/]/gu), count(text, /./gsu)), // marks of code and markup
];

/** What the distance looks at in one text, so that each is read once. */
interface Described {
  readonly vector: Float32Array;
  readonly features: readonly number[];
  readonly opening: string;
}

/**
 * The distance of two sets of texts. It is biased upwards for small sets: compare only sets of the same sizes.
 *
 * @throws IdiolectError DATA where one of them is empty
 */
export function styleDistance(a: readonly string[], b: readonly string[]): StyleDistance {
  if (a.length === 0 || b.length === 0) {
    throw new IdiolectError('DATA', `a style distance needs texts on both sides; found ${a.length} and ${b.length}.`);
  }
  return distanceOf(a.map(describe), b.map(describe));
}

/**
 * Generated texts against a user's own, with the noise floor. The own texts are divided at random 50 times into two
 * sets of one size, the largest that both halves and the generated texts have; the first is compared with the second
 * (the floor) and with as many generated texts (the distance). Sizes being equal, so is the bias.
 *
 * @param own at least two texts
 * @param generated at least one text
 * @throws IdiolectError DATA where there are fewer
 */
export function compareStyle(own: readonly string[], generated: readonly string[], random: Random): StyleComparison {
  const size = Math.min(Math.floor(own.length / 2), generated.length);
  if (size === 0) {
    throw new IdiolectError(
      'DATA',
      `a style comparison needs two own texts and a generated one; found ${own.length} and ${generated.length}.`,
    );
  }
  const ownTexts = own.map(describe);
  const generatedTexts = generated.map(describe);
  const distances: number[] = [];
  const floors: number[] = [];
  for (let split = 0; split < SPLITS; split++) {
    const shuffled = random.shuffled(ownTexts);
    const first = shuffled.slice(0, size);
    floors.push(distanceOf(first, shuffled.slice(size, 2 * size)).distance);
    distances.push(distanceOf(first, random.shuffled(generatedTexts).slice(0, size)).distance);
  }
  floors.sort((x, y) => x - y);
  return { distance: mean(distances), floor: mean(floors), floorHigh: floors[Math.ceil(0.95 * SPLITS) - 1]!, size };
}

function describe(text: string): Described {
  const opening = shapeOf(text.match(/\S+/u)?.[0] ?? '').replace(/(.)\1+/gu, '$1');
  return { vector: ngramVector(text), features: FEATURES.map(feature => feature(text)), opening };
}

function distanceOf(a: readonly Described[], b: readonly Described[]): StyleDistance {
  const ngrams = Math.min(1, Math.max(0, 1 - cosine(sumOf(a), sumOf(b))));
  const shape = mean(
    FEATURES.map((_, k) => {
      const [inA, inB] = [a, b].map(texts => moments(texts.map(({ features }) => features[k]!))) as [Moments, Moments];
      const difference = Math.abs(inA.mean - inB.mean);
      const deviation = Math.sqrt((inA.variance + inB.variance) / 2 + (difference / 2) ** 2);
      // A feature that does not vary has means equal but for rounding, which must not be divided by a spread of rounding.
      const equal = difference <= 1e-12 * Math.max(Math.abs(inA.mean), Math.abs(inB.mean));
      return equal ? 0 : Math.min(1, difference / (2 * deviation));
    }),
  );
  const patterns = new Set([...a, ...b].map(({ opening }) => opening));
  const shareIn = (texts: readonly Described[], pattern: string) =>
    texts.filter(({ opening }) => opening === pattern).length / texts.length;
  let openings = 0;
  for (const pattern of patterns) openings += Math.abs(shareIn(a, pattern) - shareIn(b, pattern)) / 2;
  openings = Math.min(1, openings); // shares of thirds add up to a little more
  return { ngrams, shape, openings, distance: (ngrams + shape + openings) / 3 };
}

function sumOf(texts: readonly Described[]): Float64Array {
  const sum = new Float64Array(texts[0]!.vector.length);
  for (const { vector } of texts) {
    for (let k = 0; k < sum.length; k++) sum[k]! += vector[k]!;
  }
  return sum;
}

function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

interface Moments {
  readonly mean: number;
  readonly variance: number;
}

function moments(values: readonly number[]): Moments {
  const centre = mean(values);
  return { mean: centre, variance: mean(values.map(value => (value - centre) ** 2)) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
