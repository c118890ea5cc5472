/**
 * Chooses the first metric of the answers, which also chooses between tries, where most texts use letters that ROUGE
 * ignores.
 */

import { counted } from '../../common/counted.ts';
import { setting } from '../../common/wording.ts';
import type { MetricName } from '../../histories/index.ts';
import { countNonLatin } from '../../metrics/letters.ts';

export interface FirstMetric {
  /** The first of them chooses between tries. */
  readonly metrics: readonly MetricName[];
  /** Why they differ from the task's. */
  readonly note?: string;
}

/**
 * Puts chrF first where more than half of the texts that have letters are mostly in non-Latin letters. Metrics that the
 * user named, and those of labels and ratings, are returned unchanged.
 *
 * @param references what the users themselves wrote for the queries
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
    note: `chrF is the first metric: ${nonLatin} of ${counted(texts, 'text')} that the users wrote ${nonLatin === 1 ? 'is' : 'are'} mostly in letters that ROUGE ignores: it reads only a-z and 0-9. To choose other metrics, give ${setting('metrics')}.`,
  };
}
