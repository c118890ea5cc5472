/** What the first sentences say, and what they must not say, of the numbers they are made from. */
import { describe, expect, it } from 'vitest';
import { sampleReport } from '../../../tests/support/report-sample.ts';
import type { MethodDifference, MetricInfo, MetricResult, Results } from '../results.ts';
import { headline } from './headline.ts';

const users = ['ada', 'ben', 'cem', 'dan', 'eve', 'fay'];
const rougeL: MetricInfo = { name: 'rougeL', title: 'ROUGE-L', better: 'higher', note: '' };
const style: MetricInfo = { name: 'style', title: 'style distance', better: 'lower', note: '' };

function measured(mean: number): MetricResult {
  return { mean, low: mean - 0.02, high: mean + 0.02, byGroup: [] };
}

/** C-BPO at 0.3 and BCO as far below as is given; Base far below both. */
function results(difference: { mean: number; low: number; high: number }, more: Partial<Results> = {}): Results {
  const comparison = (method: string, estimate: typeof difference, adjustedP: number): MethodDifference => ({
    method,
    metric: 'rougeL',
    ...estimate,
    p: adjustedP / 2,
    adjustedP,
    winRate: { wins: 3, losses: 1, ties: 2, rate: 0.67, low: 0.3, high: 0.9 },
  });
  const method = (name: string, title: string, mean: number, distance: number) => ({
    name,
    title,
    description: '',
    metrics: { rougeL: measured(mean), style: measured(distance) },
  });
  return {
    users,
    queries: 20,
    anchor: 'cbpo',
    metrics: [rougeL, style],
    methods: [
      method('base', 'Base', 0.1, 0.4),
      method('bco', 'BCO', 0.3 - difference.mean, 0.2),
      method('cbpo', 'C-BPO', 0.3, 0.3),
    ],
    comparisons: [comparison('base', { mean: 0.2, low: 0.1, high: 0.3 }, 0.004), comparison('bco', difference, 0.031)],
    pooledComparisons: [],
    notMeasured: [],
    ownTexts: {},
    ...more,
  };
}

describe('headline', () => {
  it('says that the anchor is better where the interval lies above 0', () => {
    expect(headline(results({ mean: 0.04, low: 0.01, high: 0.07 }))).toEqual([
      'C-BPO has the best mean ROUGE-L: 0.300 (95% interval 0.280 to 0.320), measured on 6 users and 20 queries.',
      'C-BPO is better than BCO, the strongest other method, by 0.040 (95% interval +0.010 to +0.070, above 0); better for 3 of 6 users, equal for 2. Corrected for 2 comparisons (Holm), p = 0.031.',
      'Best means by the other metrics, not tested: BCO by style distance.',
    ]);
  });

  it('says that two do not differ clearly where the interval includes 0 or touches it', () => {
    const [, second] = headline(results({ mean: 0.04, low: -0.01, high: 0.09 }));
    expect(second).toBe(
      'C-BPO and BCO, the strongest other method, do not differ clearly: C-BPO is better by 0.040, but the 95% interval −0.010 to +0.090 includes 0; better for 3 of 6 users, equal for 2.',
    );
    expect(headline(results({ mean: 0.04, low: 0, high: 0.08 }))[1]).toContain('do not differ clearly');
  });

  it('says that the anchor is worse where the interval lies below 0, and who is best then', () => {
    const [first, second] = headline(results({ mean: -0.05, low: -0.08, high: -0.02 }));
    expect(first).toContain('BCO has the best mean ROUGE-L: 0.350');
    expect(second).toContain('C-BPO is worse than BCO, the strongest other method, by 0.050');
    expect(second).toContain('95% interval −0.080 to −0.020, below 0');
  });

  it.each([
    ['better', { mean: 0.04, low: 0.001, high: 0.07 }, 0.05, 'C-BPO is better than BCO'],
    ['worse', { mean: -0.04, low: -0.07, high: -0.001 }, 0.05, 'C-BPO is worse than BCO'],
    ['better', { mean: 0.04, low: 0.001, high: 0.07 }, 0.051, 'do not differ clearly: C-BPO is better by 0.040'],
    ['worse', { mean: -0.04, low: -0.07, high: -0.001 }, 1, 'do not differ clearly: C-BPO is worse by 0.040'],
  ])(
    'calls nothing %s that the test, corrected for many comparisons, does not: %o, p %f',
    (_, difference, p, words) => {
      const sample = results(difference);
      const comparisons = sample.comparisons.map(one => ({ ...one, adjustedP: p }));
      const sentence = headline({ ...sample, comparisons })[1]!;
      expect(sentence).toContain(words);
      expect(sentence).toContain(`Corrected for 2 comparisons (Holm), p = ${p.toFixed(3)}.`);
      expect(sentence.includes('chance is not ruled out')).toBe(p > 0.05);
    },
  );

  it('says that the first metric does not tell methods apart that all have one value', () => {
    const sample = results({ mean: 0, low: 0, high: 0 });
    const methods = sample.methods.map(method => ({ ...method, metrics: { ...method.metrics, rougeL: measured(0) } }));
    expect(headline({ ...sample, methods })).toEqual([
      'All 3 methods have the same ROUGE-L, 0.000, measured on 6 users and 20 queries: it does not tell them apart.',
      'Best means by the other metrics, not tested: BCO by style distance.',
    ]);
  });

  it('tells lower is better from higher: the strongest has the smallest distance', () => {
    const sample = results({ mean: 0.04, low: 0.01, high: 0.07 }, { metrics: [style, rougeL] });
    expect(headline(sample)[0]).toContain('BCO has the best mean style distance: 0.200');
  });

  it('names all that are best where they are printed alike, and no winner where all are', () => {
    const sample = results({ mean: 0.0001, low: -0.01, high: 0.01 });
    expect(headline(sample)[0]).toContain('C-BPO and BCO share the best mean ROUGE-L: 0.300, measured');
    const same = sample.methods.map(method => ({ ...method, metrics: { ...method.metrics, style: measured(0.2) } }));
    expect(headline({ ...sample, methods: same })).toHaveLength(2);
  });

  it('gives what is one value over all answers its interval and no p', () => {
    const pooled = { method: 'bco', metric: 'rougeL', mean: 0.04, low: 0.01, high: 0.07 } as const;
    const sample = results({ mean: 0.04, low: 0, high: 0 }, { comparisons: [], pooledComparisons: [pooled] });
    expect(headline(sample)[1]).toBe(
      'Against BCO, the strongest other method, C-BPO is better by 0.040 (95% interval +0.010 to +0.070); a value over all answers together has no test, so chance is not ruled out.',
    );
  });

  it('claims nothing of five users, whose interval leaves 0 out too easily', () => {
    const sample = results({ mean: 0.04, low: 0.01, high: 0.07 }, { users: users.slice(0, 5) });
    expect(headline(sample)[1]).toBe(
      'Against BCO, the strongest other method, C-BPO is better by 0.040 (95% interval +0.010 to +0.070), but 5 users are too few to tell; better for 3 of 5 users, equal for 2.',
    );
  });

  it('calls what is printed as equal neither better nor worse', () => {
    const sample = results({ mean: 0.0001, low: -0.01, high: 0.01 });
    expect(headline(sample)[1]).toContain(
      'do not differ clearly: C-BPO is neither better nor worse, and the 95% interval −0.010 to +0.010 includes 0',
    );
  });

  it('claims nothing of one user, whose interval has no width', () => {
    const sentences = headline(sampleReport({ users: 1 }).results);
    expect(sentences.join(' ')).not.toContain('95% interval');
    expect(sentences[1]).toContain('one user gives no interval and says nothing about others');
  });

  it('compares one method with nothing', () => {
    const sentences = headline(sampleReport({ methods: ['cbpo'] }).results);
    expect(sentences).toHaveLength(1);
    expect(sentences[0]).toMatch(/^C-BPO was measured alone, so it is compared with nothing: ROUGE-L 0\.\d{3} \(95%/);
  });
});
