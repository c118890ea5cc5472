/** Hashed character n-grams: the floor any learnt embedding has to beat. Pure arithmetic on the text, no model. */
import type { EmbeddedText, Embedder } from './embedder.ts';

const WIDTH = 512;
const LONGEST = 4;
/** Stand for the beginning and the end of the text, so that how people open and close is seen. */
const START = '\u0002';
const END = '\u0003';

/**
 * How often each n-gram occurs in a text.
 *
 * Features are the n-grams (n = 1 to 4, by code points, the text's ends marked) of two strings: the text in lower
 * case ("c"), and its shape ("s"), where an upper-case letter is A, a lower-case one a, any other letter x, a number 0,
 * and all else itself. A feature is the letter of its string and the n-gram.
 */
export function ngramCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [kind, string] of [['c', text.toLowerCase()] as const, ['s', shapeOf(text)] as const]) {
    const points = [START, ...string, END];
    for (let n = 1; n <= LONGEST; n++) {
      for (let i = 0; i + n <= points.length; i++) {
        const feature = kind + points.slice(i, i + n).join('');
        counts.set(feature, (counts.get(feature) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/**
 * The n-gram vector of a text: [width], of length 1.
 *
 * Each feature of `ngramCounts` is hashed by FNV-1a (32 bits) over its UTF-8 bytes, followed by the finaliser of
 * MurmurHash3; the hash modulo the width is the place, its highest bit the sign (Weinberger et al. 2009, "Feature
 * hashing for large scale multitask learning"). A feature seen c times adds 1 + ln c.
 */
export function ngramVector(text: string, width = WIDTH): Float32Array {
  const sums = new Float64Array(width);
  for (const [feature, count] of ngramCounts(text)) {
    const hash = hashOf(feature);
    sums[hash % width]! += (hash >>> 31 ? -1 : 1) * (1 + Math.log(count));
  }
  const length = Math.sqrt(sums.reduce((total, sum) => total + sum * sum, 0));
  return Float32Array.from(sums, sum => (length > 0 ? sum / length : 0));
}

/** The text with an upper-case letter as A, a lower-case one as a, any other letter as x, a number as 0. */
export function shapeOf(text: string): string {
  return text.replace(/(\p{Lu})|(\p{Ll})|(\p{N})|\p{L}/gu, (_, upper, lower, number) =>
    upper ? 'A' : lower ? 'a' : number ? '0' : 'x',
  );
}

const utf8 = new TextEncoder();

/** FNV-1a, then MurmurHash3's finaliser: FNV alone leaves the high bits of short strings alike. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Embeds the completion alone: a prompt's characters would say what was asked, not how it was answered. */
export class NgramEmbedder implements Embedder {
  readonly name = `ngrams-${WIDTH}`;
  readonly width = WIDTH;

  async embed({ completion }: EmbeddedText): Promise<Float32Array> {
    return ngramVector(completion);
  }

  async close(): Promise<void> {}
}
