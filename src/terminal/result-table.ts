/** The results of a comparison as a terminal shows them. */
import { digitsOf, verdictOf } from '../results/numbers.ts';
import { markedMetric, markedTitle } from '../results/remarks.ts';
import type { Results } from '../results/results.ts';

/** Methods by metrics, means over users. */
export function resultRows({ metrics, methods }: Pick<Results, 'metrics' | 'methods'>): string[][] {
  const arrow = { higher: '↑', lower: '↓' };
  return [
    ['', ...metrics.map(metric => `${markedMetric(metric)} ${arrow[metric.better]}`)],
    ...methods.map(method => [
      markedTitle(method, methods),
      ...metrics.map(metric => method.metrics[metric.name]?.mean.toFixed(digitsOf(metric)) ?? ''),
    ]),
  ];
}

const IN_WORDS = {
  better: 'better',
  worse: 'worse',
  untold: 'no clear difference',
  chance: 'no clear difference',
  few: 'too few users to tell',
  alone: 'one user is too few to tell',
  untested: 'not tested',
};

/** The anchor against every other method by the first metric, in words. */
export function standing({ anchor, metrics, methods, comparisons, users }: Results): string {
  const titleOf = (name: string) => methods.find(method => method.name === name)!.title;
  const [first] = metrics;
  const lines = comparisons
    .filter(({ metric }) => metric === first!.name)
    .map(comparison => {
      const { method, mean, low, high, adjustedP } = comparison;
      const verdict = IN_WORDS[verdictOf(comparison, users.length)];
      const sign = mean < 0 ? '' : '+';
      return `  against ${titleOf(method)}: ${sign}${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], ${verdict}; p ${adjustedP.toFixed(3)} corrected for ${methods.length - 1} comparisons`;
    });
  return lines.length === 0 ? '' : [`${titleOf(anchor)} by ${first!.title}:`, ...lines].join('\n');
}
