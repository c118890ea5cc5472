import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatches } from './plan.ts';

const plan = fc.record({
  user: fc.string(),
  seed: fc.nat(),
  epochs: fc.integer({ min: 1, max: 3 }),
  batchSize: fc.integer({ min: 2, max: 12 }),
  targetCount: fc.integer({ min: 1, max: 60 }),
  auxiliaryCount: fc.integer({ min: 1, max: 90 }),
  dislikedCount: fc.integer({ min: 0, max: 20 }),
});

describe('planned batches', () => {
  it('hold both groups, every record at least once an epoch (disliked ones once), and the size within one record a group', () => {
    fc.assert(
      fc.property(plan, options => {
        const batches = planBatches(options);
        const perEpoch = Math.ceil(
          (options.targetCount + options.auxiliaryCount + options.dislikedCount) / options.batchSize,
        );
        expect(batches).toHaveLength(perEpoch * options.epochs);
        for (let epoch = 0; epoch < options.epochs; epoch++) {
          const mine = batches.filter(batch => batch.epoch === epoch);
          for (const group of ['target', 'auxiliary'] as const) {
            const count = group === 'target' ? options.targetCount : options.auxiliaryCount;
            const seen = mine.flatMap(batch => batch[group]);
            expect(new Set(seen).size).toBe(count);
            // Only a group smaller than the number of batches is seen more than once.
            expect(seen).toHaveLength(Math.max(count, perEpoch));
          }
          expect(mine.flatMap(batch => batch.disliked).sort()).toEqual([...Array(options.dislikedCount).keys()].sort());
          for (const { target, auxiliary, disliked } of mine) {
            expect(Math.min(target.length, auxiliary.length)).toBeGreaterThan(0);
            expect(target.length + auxiliary.length + disliked.length).toBeLessThanOrEqual(options.batchSize + 3);
          }
        }
      }),
      { seed: 3 },
    );
  });

  it('never part pairs, and hold each once an epoch, at any batch size', () => {
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 12 }), ({ targetCount: pairs, ...options }, batchSize) => {
        const counts = { targetCount: pairs, auxiliaryCount: pairs, dislikedCount: 0 };
        const batches = planBatches({ ...options, ...counts, batchSize, paired: true });
        for (const { target, auxiliary, disliked } of batches) {
          expect(auxiliary).toEqual(target);
          expect(target.length).toBeGreaterThan(0);
          // Two records a pair; a batch may be over by one pair, as whole pairs allow.
          expect(2 * target.length).toBeLessThanOrEqual(batchSize + 2);
          expect(disliked).toEqual([]);
        }
        for (let epoch = 0; epoch < options.epochs; epoch++) {
          const seen = batches.filter(batch => batch.epoch === epoch).flatMap(({ target }) => target);
          expect(seen.toSorted((a, b) => a - b)).toEqual([...Array(pairs).keys()]);
        }
      }),
      { seed: 3 },
    );
  });

  it('depend on the seed, the user and the epoch', () => {
    const options = {
      user: 'a',
      seed: 1,
      epochs: 2,
      batchSize: 4,
      targetCount: 20,
      auxiliaryCount: 20,
      dislikedCount: 0,
    };
    const order = (change: Partial<typeof options>) => JSON.stringify(planBatches({ ...options, ...change }));
    expect(order({})).toBe(order({}));
    expect(order({ seed: 2 })).not.toBe(order({}));
    expect(order({ user: 'b' })).not.toBe(order({}));
    const [first, second] = [0, 1].map(epoch => planBatches(options).filter(batch => batch.epoch === epoch));
    expect(first!.map(batch => batch.target)).not.toEqual(second!.map(batch => batch.target));
  });

  it('have no auxiliary records where the objective needs none', () => {
    const counts = { targetCount: 10, auxiliaryCount: 0, dislikedCount: 0 };
    const batches = planBatches({ user: 'a', seed: 1, epochs: 1, batchSize: 4, ...counts });
    expect(batches.map(({ target, auxiliary }) => [target.length, auxiliary.length])).toEqual([
      [3, 0],
      [3, 0],
      [4, 0],
    ]);
  });
});
