/** What a comparison cannot do without, told before the first minute of work and not after the last. */
import { IdiolectError } from '../../common/errors.ts';
import type { MetricName } from '../../histories/index.ts';
import { type MethodSpec, methodsByName } from '../../methods/catalogue.ts';
import { requireEmbedder } from '../../overlap/open-embedder.ts';
import { judgeOf } from '../judge.ts';
import type { Division } from './division.ts';
import { firstChoices, inOrder, isSearched, triesOf } from './search.ts';
import type { ClosedSettings } from './task-settings.ts';

/** Every method that takes part, what others need included, in the order of the work. */
export function methodsOf(names: readonly string[]): MethodSpec[] {
  return inOrder(methodsByName(names), name => methodsByName([name])[0]!);
}

/** @throws IdiolectError CONFIG naming the setting to change */
export async function requirePossible(
  settings: ClosedSettings,
  metrics: readonly MetricName[],
  division: Division,
): Promise<void> {
  const { embedder, auxiliaryFrom, methods, task } = settings;
  if (judgeOf(settings) && !metrics.includes('rouge1')) {
    throw new IdiolectError(
      'CONFIG',
      `a judge compares texts, and ${task} asks for labels or ratings; leave --judge-url out.`,
    );
  }
  await requireEmbedder(embedder);
  const specs = methodsOf(methods);
  if (isSearched(settings)) for (const spec of specs) triesOf(spec, firstChoices(settings), settings);
  if (auxiliaryFrom === 'others' && division.others.length === 0) {
    throw new IdiolectError(
      'CONFIG',
      '--auxiliary-from others: every user is evaluated or chosen on, nobody is left. Use targets or all.',
    );
  }
  const needsOthers = specs.some(({ training }) => training && !['sft', 'dpo'].includes(training.method));
  if (!needsOthers || (auxiliaryFrom !== undefined && auxiliaryFrom !== 'targets')) return;
  for (const group of ['targets', 'development'] as const) {
    if (division[group].length !== 1) continue;
    throw new IdiolectError(
      'CONFIG',
      `there is one user in ${group}, with nobody to be compared with; ask for two or more, or use --auxiliary-from others.`,
    );
  }
}
