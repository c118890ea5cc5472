import { describe, expect, it } from 'vitest';
import { Outlook } from './outlook.ts';

const outlook = () =>
  new Outlook(
    new Map([
      ['a', 60],
      ['b', 30],
      ['c', 10],
    ]),
  );

describe('the time ahead', () => {
  it('is the sum of the stages, from half to double', () => {
    expect(outlook().seconds).toEqual({ low: 50, likely: 100, high: 200 });
    expect(outlook().ahead('a')).toEqual({ stage: 60, after: 40 });
  });

  it('falls by what was done where all goes as foreseen', () => {
    const it = outlook();
    it.ended('a', 60);
    expect(it.ahead('b')).toEqual({ stage: 30, after: 10 });
    it.ended('b', 30);
    expect(it.ahead('c')).toEqual({ stage: 10, after: 0 });
  });

  it('is longer where stages took longer, the first short one counting little', () => {
    const slow = outlook();
    slow.ended('a', 120);
    expect(slow.ahead('b')).toEqual({ stage: 30 * (130 / 70), after: 10 * (130 / 70) });
    const short = outlook();
    short.ended('c', 20);
    expect(short.ahead('a')).toEqual({ stage: 60 * (30 / 20), after: 30 * (30 / 20) });
  });

  it('is not moved by a stage that was not foreseen', () => {
    const it = outlook();
    it.ended('judge', 500);
    expect(it.ahead('judge')).toEqual({ stage: 0, after: 100 });
  });
});
