/** Habits that can be told apart, and what happens where no more are to be had. */
import { describe, expect, it } from 'vitest';
import { random } from '../../common/random.ts';
import { COMMITS } from './commits.ts';
import { drawSharedWay, HabitBook } from './habits.ts';
import { HEADLINES } from './headlines.ts';
import { DIMENSIONS, type Values, type Way } from './writing.ts';

const distance = (a: Way, b: Way) => DIMENSIONS.filter(dimension => a[dimension] !== b[dimension]).length;

describe('habits', () => {
  it.each([COMMITS, HEADLINES])('differ in two dimensions at least, from each other and from the shared way', kind => {
    const book = new HabitBook(kind.values, 'test', 1);
    const sets = Array.from({ length: 200 }, (_, k) => book.habits(k));
    const source = random(1, 'shared');
    const shared = Array.from({ length: 50 }, () => drawSharedWay(kind.values, source));
    sets.forEach((set, k) => {
      for (const other of [...sets.slice(0, k), ...shared]) expect(distance(set, other)).toBeGreaterThanOrEqual(2);
    });
  });

  it('run out with a sentence', () => {
    // Three dimensions with two values each: only 000, 011, 101 and 110 and the like are two apart.
    const one = (value: string) => [value];
    const values: Values = {
      ...{ case: ['sentence', 'lower'], tense: ['past', 'present'], end: ['none', '!'] },
      ...{ head: one('none'), emoji: one('none'), mark: one('none'), build: one('bare'), words: one('fix') },
      article: one('the'),
    };
    const book = new HabitBook(values, 'test', 1);
    expect(() => book.habits(10)).toThrow(/^only [2-4] sets of habits can be told apart; use fewer users/);
  });

  it.each([COMMITS, HEADLINES])('have verbs that stand for one thing in one tense only', ({ values, drawContent }) => {
    const source = random(1, 'verbs');
    const byLabel = new Map<string, readonly string[]>();
    for (let i = 0; i < 1000; i++) {
      const { label, verbs } = drawContent(source).message;
      byLabel.set(label, verbs);
    }
    const forms = [...byLabel.values()].flat().flatMap(verb => verb.split(' '));
    expect(byLabel.size).toBe(8);
    expect(forms).toHaveLength(8 * values.words.length * 4);
    expect(new Set(forms).size).toBe(forms.length);
  });
});
