/** Property tests that repeat exactly: a fixed seed and a number of runs that keeps the suite short. */
import fc from 'fast-check';

/** Each run compiles a graph of its own, so that shapes can be anything. */
export async function forAll<T>(arbitrary: fc.Arbitrary<T>, check: (sample: T) => Promise<void>, numRuns = 20) {
  await fc.assert(fc.asyncProperty(arbitrary, check), { seed: 20_260_101, numRuns });
}

export const anySeed = fc.nat(1_000_000);
export const size = fc.integer({ min: 1, max: 4 });
export const anyShape = fc.array(size, { minLength: 1, maxLength: 4 });

/** Two shapes that broadcast: axes of size 1 on either side, and leading axes that only one of them has. */
export const broadcastingShapes: fc.Arbitrary<[number[], number[]]> = fc
  .array(fc.tuple(size, fc.constantFrom('both', 'left', 'right')), { minLength: 1, maxLength: 4 })
  .chain(axes =>
    fc.tuple(
      fc.constant(axes),
      fc.nat(axes.length), // leading axes dropped
      fc.boolean(), // from the left shape, or from the right
    ),
  )
  .map(([axes, dropped, fromLeft]) => {
    const left = axes.map(([n, who]) => (who === 'right' ? 1 : n));
    const right = axes.map(([n, who]) => (who === 'left' ? 1 : n));
    return fromLeft ? [left.slice(dropped), right] : [left, right.slice(dropped)];
  });
