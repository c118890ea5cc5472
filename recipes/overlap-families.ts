/**
 * Families of feature vectors whose overlap is known, for recipes/overlap-benchmark.ts. The default estimator and its
 * constants were chosen on DEVELOPMENT; what is reported comes from REPORTED, which differ in shape, size or width.
 */
import { type Random, random } from '../src/common/random.ts';

/** Draws one feature vector of the target, or of others. */
type Draw = (source: Random, isTarget: boolean) => Float32Array;

export interface Family {
  readonly name: string;
  readonly width: number;
  readonly draw: Draw;
}

const filled = (width: number, value: (k: number) => number) =>
  Float32Array.from({ length: width }, (_, k) => value(k));
const laplace = (source: Random) => ((source.uniform() < 0.5 ? -1 : 1) * -Math.log(1 - source.uniform())) / Math.SQRT2;

/** Student's t with 4 degrees of freedom, scaled to variance 1: heavy tails. */
function studentT(source: Random): number {
  let square = 0;
  for (let i = 0; i < 4; i++) square += source.normal() ** 2;
  return source.normal() / Math.sqrt(square / 4) / Math.SQRT2;
}

function poisson(source: Random, rate: number): number {
  const limit = Math.exp(-rate);
  let product = source.uniform();
  let count = 0;
  while (product > limit) {
    product *= source.uniform();
    count++;
  }
  return count;
}

/** Unit normal features; the target's first is moved. */
function shift(gap: number, width: number): Family {
  const draw: Draw = (source, isTarget) => filled(width, k => source.normal() + (isTarget && k === 0 ? gap : 0));
  return { name: `shift ${gap}`, width, draw };
}

/** Every author has a centre `spread` from the middle; the target is one author, the others are many. */
function authors(
  name: string,
  spread: number,
  width: number,
  others: number,
  noise: (source: Random) => number,
): Family {
  const centres = random(77, `centres ${name} ${width}`);
  const centre = () => filled(width, () => (centres.normal() * spread) / Math.sqrt(width));
  const own = centre();
  const pool = Array.from({ length: others }, centre);
  const draw: Draw = (source, isTarget) => {
    const middle = isTarget ? own : pool[source.integer(others)]!;
    return filled(width, k => middle[k]! + noise(source));
  };
  return { name, width, draw };
}

/** The target writes in two ways. */
function habits(gap: number, share: number, width: number): Family {
  const draw: Draw = (source, isTarget) => {
    const moved = source.uniform() < share ? 0 : 1;
    return filled(width, k => source.normal() + (isTarget && k === moved ? gap : 0));
  };
  return { name: 'two habits', width, draw };
}

/** Others' records are of very different lengths: their deviation varies. */
function scales(gap: number, width: number): Family {
  const draw: Draw = (source, isTarget) => {
    const scale = isTarget ? 1 : Math.exp(0.3 * source.normal());
    return filled(width, k => scale * source.normal() + (isTarget && k === 0 ? gap : 0));
  };
  return { name: 'scales', width, draw };
}

/** A third of the others is an author near the target, the rest are far. */
function twin(width: number): Family {
  const draw: Draw = (source, isTarget) => {
    const gap = isTarget ? 0 : source.uniform() < 1 / 3 ? 1.5 : 4.5;
    return filled(width, k => source.normal() - (k === 0 ? gap : 0));
  };
  return { name: 'twin', width, draw };
}

/** Square roots of counts, as of words in a text: every author has rates of their own. */
function counts(width: number): Family {
  const rates = random(78, 'rates');
  const author = () => filled(width, () => Math.exp(-1 + 0.7 * rates.normal()));
  const own = author();
  const pool = Array.from({ length: 20 }, author);
  const draw: Draw = (source, isTarget) => {
    const rate = isTarget ? own : pool[source.integer(pool.length)]!;
    return filled(width, k => Math.sqrt(poisson(source, rate[k]!)));
  };
  return { name: 'counts', width, draw };
}

const normal = (source: Random) => source.normal();

export const DEVELOPMENT: readonly Family[] = [16, 64, 256].flatMap(width => [
  shift(2, width),
  shift(3, width),
  shift(4, width),
  authors('authors 4', 4, width, 39, normal),
  authors('authors 6', 6, width, 39, normal),
  authors('authors, Laplace', 6, width, 39, laplace),
  habits(5, 0.3, width),
  scales(4, width),
]);

export const REPORTED: readonly Family[] = [
  shift(3.5, 16),
  shift(3.5, 64),
  authors('authors, heavy tails', 5, 64, 60, studentT),
  counts(128),
  habits(4.5, 0.6, 32),
  twin(32),
  shift(2, 32), // hard: the classes overlap
  shift(3.5, 256), // hard: too wide for few records
];

/** A sample whose auxiliary side has exactly round(alpha * others) records of the target's kind. */
export function sample({ draw }: Family, alpha: number, targets: number, others: number, source: Random) {
  const shared = Math.round(alpha * others);
  return {
    target: Array.from({ length: targets }, () => draw(source, true)),
    auxiliary: Array.from({ length: others }, (_, i) => draw(source, i < shared)),
    truth: shared / others,
  };
}
