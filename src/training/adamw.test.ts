import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { adamwStep, clipGradients, initialAdamW } from './adamw.ts';

interface Recording {
  start: number[][];
  steps: { gradients: number[][]; norm: number; parameters: number[][] }[];
}
interface Fixture extends Recording {
  lr: number;
  weight_decay: number;
  max_norm: number;
  grouped: Recording & { decays: number[]; beta2: number };
}

const file = new URL('../../tests/fixtures/adamw.json', import.meta.url);
const fixture: Fixture = JSON.parse(await readFile(file, 'utf8'));

function replay({ start, steps }: Recording, weightDecay: number | readonly number[], beta2?: number) {
  const parameters = start.map(values => Float32Array.from(values));
  const state = initialAdamW(parameters);
  for (const step of steps) {
    const gradients = step.gradients.map(values => Float32Array.from(values));
    // Both sides keep float32; they round in another order, a few units in the last place over five steps.
    expect(clipGradients(gradients, fixture.max_norm)).toBeCloseTo(step.norm, 5);
    adamwStep(parameters, gradients, state, fixture.lr, weightDecay, beta2);
    step.parameters.forEach((expected, p) => {
      expected.forEach((value, i) => void expect(Math.abs(parameters[p]![i]! - value)).toBeLessThan(1e-6));
    });
  }
  expect(state.step).toBe(steps.length);
}

describe('AdamW', () => {
  it('takes the steps torch.optim.AdamW takes, clipping included', () => {
    replay(fixture, fixture.weight_decay);
  });

  it('takes them with a decay for each parameter and another second moment', () => {
    const { grouped } = fixture;
    replay(grouped, grouped.decays, grouped.beta2);
    expect(() => replay(grouped, fixture.weight_decay, grouped.beta2)).toThrow(); // the decay of one shows
  });

  it('leaves gradients within the limit as they are', () => {
    const gradients = [Float32Array.of(0.3, 0), Float32Array.of(0.4)];
    expect(clipGradients(gradients, 1)).toBeCloseTo(0.5, 6);
    expect([...gradients[0]!, ...gradients[1]!]).toEqual([...Float32Array.of(0.3, 0, 0.4)]);
  });
});
