/** By what the answers are measured first, and tries are chosen, where most texts have letters that ROUGE does not see. */

import { counted } from '../../common/counted.ts';
import { setting } from '../../common/wording.ts';
import type { MetricName } from '../../histories/index.ts';
import { countNonLatin } from '../../metrics/letters.ts';

export interface FirstMetric {
  /** The one that tries are chosen by first. */
  readonly metrics: readonly MetricName[];
  /** Why they are not those of the task. */
  readonly note?: string;
}

/**
 * The metrics with chrF before them where more than half of the texts that have letters are mostly in letters that are not
 * Latin. Metrics that the user has named, and those of labels and ratings, stay.
 *
 * @param references what the users wrote to the queries
 */
export function withFirstMetric(
  metrics: readonly MetricName[],
  isGiven: boolean,
  references: readonly string[],
): FirstMetric {
  if (isGiven || !metrics.includes('rouge1') || metrics.includes('chrf')) return { metrics };
  const { nonLatin, texts } = countNonLatin(references);
  if (2 * nonLatin <= texts) return { metrics };
  return {
    metrics: ['chrf', ...metrics],
    note: `chrF is the first metric: ${nonLatin} of ${counted(texts, 'text')} that the users wrote ${nonLatin === 1 ? 'is' : 'are'} mostly in letters that ROUGE does not see, which knows a-z and 0-9 alone. ${setting('metrics')} says otherwise.`,
  };
}
