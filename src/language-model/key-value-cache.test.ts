/** Slots of a cache: what was written to a sequence is what is read of it, whatever opens, grows and ends beside it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TINY_CONFIG } from '../../tests/parity/support.ts';
import { float32, floats } from '../engine/tensor.ts';
import { parseModelConfig } from '../model/config.ts';
import { CACHE_LENGTHS, cacheNames } from '../model/decoder.ts';
import { KeyValueCache } from './key-value-cache.ts';

const config = parseModelConfig({ ...TINY_CONFIG, num_attention_heads: 4, num_key_value_heads: 2 }, 'test');
const { kvHeads, headDim, layers } = config;
const SLOTS = 4;
const names = (side: 'past' | 'present') =>
  Array.from({ length: layers }, (_, layer) => cacheNames(layer)[side]).flat();

type Step =
  | { readonly kind: 'open'; readonly counts: readonly number[] }
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'fork'; readonly slot: number }
  | { readonly kind: 'close'; readonly slot: number };

const steps = fc.array(
  fc.oneof(
    // prompts around a step of the room, and longer than two of them
    fc.record({
      kind: fc.constant('open' as const),
      counts: fc.array(fc.constantFrom(1, 2, 31, 32, 33, 70), { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant('append' as const), count: fc.constantFrom(1, 1, 1, 5) }),
    fc.record({ kind: fc.constant('fork' as const), slot: fc.nat(SLOTS - 2) }),
    fc.record({ kind: fc.constant('close' as const), slot: fc.nat(SLOTS - 1) }),
  ),
  { maxLength: 25 },
);

/** A sequence as the list of its tokens; each token's numbers follow from a counter. */
function apply(steps: readonly Step[]) {
  const cache = new KeyValueCache(config, SLOTS);
  const model: number[][] = [];
  let counter = 1;
  const numberOf = (token: number, buffer: number, head: number, i: number) =>
    token + buffer / 8 + head / 64 + i / 1024;
  const append = (first: number, counts: readonly number[]) => {
    const length = Math.max(...counts);
    const tokens = counts.map(count => Array.from({ length: count }, () => counter++));
    const results = Object.fromEntries(
      names('present').map((name, buffer) => {
        const data = new Float32Array(counts.length * kvHeads * length * headDim).fill(-1);
        tokens.forEach((own, s) => {
          for (let head = 0; head < kvHeads; head++) {
            own.forEach((token, t) => {
              for (let i = 0; i < headDim; i++) {
                data[((s * kvHeads + head) * length + t) * headDim + i] = numberOf(token, buffer, head, i);
              }
            });
          }
        });
        return [name, float32(data, [counts.length, kvHeads, length, headDim])];
      }),
    );
    cache.append(results, first, counts);
    tokens.forEach((own, s) => void model[first + s]!.push(...own));
  };
  for (const step of steps) {
    if (step.kind === 'open') {
      const counts = step.counts.slice(0, SLOTS - model.length);
      if (counts.length === 0) continue;
      const first = model.length;
      cache.open(counts.length);
      for (const _ of counts) model.push([]);
      expect(cache.feeds(first)[cacheNames(0).past[0]]!.dims).toEqual([counts.length, kvHeads, 1, headDim]);
      append(first, counts);
    } else if (step.kind === 'append' && model.length > 0) {
      append(
        0,
        model.map(() => step.count),
      );
    } else if (step.kind === 'fork' && step.slot < model.length && model.length < SLOTS) {
      cache.fork(step.slot);
      model.push([...model[step.slot]!]);
    } else if (step.kind === 'close' && step.slot < model.length) {
      cache.close(step.slot);
      const last = model.pop()!;
      if (step.slot < model.length) model[step.slot] = last;
    }
  }
  return { cache, model, numberOf };
}

test('any order of openings, steps, forks and ends', () => {
  fc.assert(
    fc.property(steps, drawn => {
      const { cache, model, numberOf } = apply(drawn);
      expect(cache.lengths).toEqual(model.map(tokens => tokens.length));
      if (model.length === 0) return;
      const feeds = cache.feeds(0);
      expect(Array.from(feeds[CACHE_LENGTHS]!.data as BigInt64Array, Number)).toEqual(cache.lengths);
      names('past').forEach((name, buffer) => {
        const [count, , capacity] = feeds[name]!.dims;
        const data = floats(feeds[name]!);
        expect(count).toBe(model.length);
        expect(capacity).toBeGreaterThanOrEqual(Math.max(...cache.lengths));
        model.forEach((tokens, s) => {
          for (let head = 0; head < kvHeads; head++) {
            const found = tokens.map((_, t) => data[((s * kvHeads + head) * capacity! + t) * headDim + 1]);
            expect(found).toEqual(tokens.map(token => numberOf(token, buffer, head, 1)));
          }
        });
      });
    }),
    { numRuns: 60 },
  );
});

test('the room follows the longest sequence, up and down', () => {
  const room = (drawn: readonly Step[]) => apply(drawn).cache.feeds(0)[cacheNames(0).past[0]]!.dims[2];
  const long = { kind: 'open', counts: [2, 70] } as const;
  expect(room([{ kind: 'open', counts: [2, 31] }])).toBe(32);
  expect(room([long])).toBe(96);
  // Giving room back costs a copy, so it waits for the next step.
  expect(room([long, { kind: 'close', slot: 1 }, { kind: 'append', count: 1 }])).toBe(32);
});
