/** Habits that can be distinguished, and what happens where no more are to be had. */
import { describe, expect, it } from 'vitest';
import { random } from '../../common/random.ts';
import { COMMITS } from './commits.ts';
import { HabitBook, sharedHabits } from './habits.ts';
import { HEADLINES } from './headlines.ts';
import type { Dimension } from './writing.ts';

describe('habits', () => {
  it.each([COMMITS, HEADLINES])('show in every line, and are not another’s', kind => {
    const shared = sharedHabits(kind.values);
    for (const dimensions of [1, 4, 9]) {
      const book = new HabitBook(kind.values, dimensions, 1, 'test');
      const sets = Array.from({ length: dimensions === 1 ? 10 : 300 }, (_, k) => book.habits(k));
      const shown = sets.map(({ build: _, words: __, ...settled }) => JSON.stringify({ ...shared, ...settled }));
      expect(new Set([...shown, JSON.stringify(shared)]).size).toBe(sets.length + 1);
      for (const set of sets) {
        expect(Object.keys(set)).toHaveLength(dimensions);
        for (const [dimension, value] of Object.entries(set)) expect(value).not.toBe(shared[dimension as Dimension]);
      }
    }
  });

  it('run out with a sentence', () => {
    // One dimension that shows: 3 other cases, 3 other tenses, 5 heads, 3 ends, 2 places of emoji, 4 marks, no article.
    const book = new HabitBook(COMMITS.values, 1, 1, 'test');
    expect(() => book.habits(30)).toThrow('only 21 sets of habits can be distinguished; ask for fewer users');
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
