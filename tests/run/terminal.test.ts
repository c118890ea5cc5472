/** What the progress line says of the time left. */
import { expect, it } from 'vitest';
import { TimeLeft, TotalLeft } from '../../src/terminal/time-left.ts';

it.each([
  ['as foreseen', 0, 'in all about 2 min left'],
  ['in the middle of the stage', 30, 'in all about 70 s left'],
  ['where the stage takes longer than was foreseen', 90, 'in all about 50 s left'],
])('the time left of all stages, %s', (_, elapsed, text) => {
  let now = 0;
  const clock = () => now;
  const total = new TotalLeft({ stage: 60, after: 40 }, clock);
  const piece = new TimeLeft(clock);
  now = 1000 * elapsed;
  // Nine tenths of the present piece of work are done.
  expect(total.text(piece, 90, 100)).toBe(text);
});
