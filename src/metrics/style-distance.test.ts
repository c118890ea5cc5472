import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../common/random.ts';
import { rouge } from './rouge.ts';
import { compareStyle, styleDistance } from './style-distance.ts';

const subjects = ['parser', 'cache', 'router', 'docs', 'tests', 'build', 'reader', 'option', 'index', 'server'];
const plain = subjects.flatMap(subject => [`Fix the ${subject}`, `Add a ${subject}`, `Remove old ${subject}`]);
const terse = subjects.flatMap(subject => [`fix: ${subject}!!`, `feat: new ${subject} 🎉`, `chore: ${subject} 2.0`]);

describe('style distance', () => {
  it('is 0 for equal distributions, symmetric, and at most 1', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const there = styleDistance(a, b);
        for (const part of Object.values(there)) {
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(1);
        }
        // Sums in another order.
        expect(styleDistance(b, a).distance).toBeCloseTo(there.distance, 9);
        expect(styleDistance(a, [...a, ...a].reverse()).distance).toBeCloseTo(0, 9);
      }),
      { numRuns: 30 },
    );
  });

  it('is 0 where a feature is the same in all texts, however its mean is rounded', () => {
    // (0.1 + 0.1 + 0.1) / 3 is not 0.1 in floating point: one digit of ten characters.
    const text = 'abcdefghi1';
    expect(styleDistance([text, text, text], [text]).shape).toBe(0);
  });

  it('counts patterns of openings by their shape', () => {
    expect(styleDistance(['Fix a', 'fix(api): b'], ['Use c', 'Try d']).openings).toBe(0.5);
    expect(styleDistance(['Fix a', 'Add b'], ['#12 c', '#345 d']).openings).toBe(1);
    expect(styleDistance(['#7 a'], ['#12 c', '#345 d']).openings).toBe(0);
  });

  it('weighs each feature by its spread', () => {
    // One character and one word all, so that three features differ, each without spread within a set: letters in
    // upper case, capitalised words, and a beginning in upper case. That makes 1 each, of 12.
    expect(styleDistance(['a', 'b'], ['A', 'B']).shape).toBeCloseTo(3 / 12, 12);
    // Half of one set: the means differ by 1/2, sd^2 = (1/4 + 0) / 2 + 1/16, so that 1 becomes (1/2) / (2 sqrt(3/16)).
    expect(styleDistance(['a', 'B'], ['a', 'b']).shape).toBeCloseTo((3 / 12) * (1 / (4 * Math.sqrt(3 / 16))), 12);
  });

  it('sees what ROUGE cannot', () => {
    const shouted = plain.map(text => `${text.toUpperCase()}!`);
    expect(plain.every((text, i) => rouge(shouted[i]!, text).rougeL.f1 === 1)).toBe(true);
    const { distance, floorHigh } = compareStyle(plain, shouted, random(1, 'style'));
    expect(distance).toBeGreaterThan(2 * floorHigh);
  });

  it('stays at the noise floor for texts of the same habits, and rises above it for others', () => {
    const [known, later] = [plain.filter((_, i) => i % 2 === 0), plain.filter((_, i) => i % 2 === 1)];
    const same = compareStyle(known, later, random(1, 'style'));
    expect(same.size).toBe(7);
    expect(same.distance).toBeLessThan(same.floorHigh);
    expect(same.floor).toBeGreaterThan(0);
    const other = compareStyle(known, terse, random(1, 'style'));
    expect(other.distance).toBeGreaterThan(other.floorHigh);
    expect(compareStyle(known, later, random(1, 'style'))).toEqual(same);
  });

  it('refuses what has no distance', () => {
    expect(() => styleDistance([], ['a'])).toThrow('found 0 and 1');
    expect(() => compareStyle(['a'], ['a'], random(1))).toThrow('found 1 and 1');
  });
});
