/** One method against every method of a comparison, user by user, for the recipes that print such differences. */
import { random } from '../src/index.ts';
import { pairedDifference, type Results } from '../src/results/index.ts';

/** Lines of ROUGE-1 and log-likelihood: the mean over users of ours minus theirs, with its 95% interval. */
export function differences(ours: Results['methods'][number], { methods }: Results): string {
  const lines = (['rouge1', 'logLikelihood'] as const).flatMap(metric =>
    methods
      .filter(theirs => theirs !== ours)
      .map(({ title, metrics }) => {
        const [a, b] = [ours.metrics[metric]!.values!, metrics[metric]!.values!];
        const { mean, low, high } = pairedDifference(a, b, random(0, `${metric}/${title}`));
        return `${metric} minus ${title}: ${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
      }),
  );
  return lines.join('\n');
}
