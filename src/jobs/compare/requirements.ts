/** Checks what a comparison needs, before any work is done. */

import { IdiolectError } from '../../common/errors.ts';
import { setting } from '../../common/wording.ts';
import type { MetricName } from '../../histories/index.ts';
import type { RecordNeed } from '../../histories/user-records.ts';
import { objectiveNamed, type TrainableObjective } from '../../objectives/objectives.ts';
import { requireEmbedder } from '../../overlap/open-embedder.ts';
import { isOfTexts } from '../../results/result-metrics.ts';
import type { Division } from './division.ts';
import { judgeOf } from './judge/judge.ts';
import { type MethodSpec, methodsByName, type TrainingSpec } from './methods/catalogue.ts';
import { firstChoices, inOrder, isSearched, triesOf } from './search.ts';
import type { ClosedSettings } from './task-settings.ts';

/** Every method that takes part, including those that others build on, in the order of the work. */
export function methodsOf(names: readonly string[], own: readonly MethodSpec[] = []): MethodSpec[] {
  return inOrder(methodsByName(names, own), name => methodsByName([name], own)[0]!);
}

/** The caller's own methods and objectives, in addition to the built-in ones. */
export interface OwnMethods {
  readonly methods?: readonly MethodSpec[];
  readonly objectives?: readonly TrainableObjective[];
}

/** @throws IdiolectError CONFIG naming the setting to change */
export async function requirePossible(
  settings: ClosedSettings,
  metrics: readonly MetricName[],
  division: Division,
  own: OwnMethods = {},
): Promise<void> {
  const { embedder, auxiliaryFrom, methods, task } = settings;
  if (judgeOf(settings) && !metrics.some(isOfTexts)) {
    throw new IdiolectError(
      'CONFIG',
      `a judge compares texts, and ${task} asks for labels or ratings; leave ${setting('judgeUrl')} out.`,
    );
  }
  await requireEmbedder(embedder);
  const specs = methodsOf(methods, own.methods);
  const objectives = specs.flatMap(({ training }) =>
    training ? [{ training, records: objectiveNamed(training.method, own.objectives).records }] : [],
  );
  for (const { training, records } of objectives) requireRejected(training, records);
  const first = firstChoices(settings, own.methods);
  if (isSearched(settings)) for (const spec of specs) triesOf(spec, first, settings);
  if (auxiliaryFrom === 'others' && division.others.length === 0) {
    throw new IdiolectError(
      'CONFIG',
      '`auxiliaryFrom` others: every user is evaluated or a development user, and nobody is left. Use targets or all.',
    );
  }
  const needsOthers = objectives.some(({ records }) => records === 'others');
  if (!needsOthers || (auxiliaryFrom !== undefined && auxiliaryFrom !== 'targets')) return;
  for (const group of ['targets', 'development'] as const) {
    if (division[group].length !== 1) continue;
    throw new IdiolectError(
      'CONFIG',
      `there is one user in ${group}, with nobody to compare with; ask for two or more, or use ${setting('auxiliaryFrom')} others.`,
    );
  }
}

function requireRejected({ name, method, rejected }: TrainingSpec, records: RecordNeed): void {
  if ((records === 'pairs') === (rejected !== undefined)) return;
  throw new IdiolectError(
    'CONFIG',
    `the training ${name}: ${method} ${records === 'pairs' ? 'needs' : 'takes no'} rejected texts (the field "rejected" of its method).`,
  );
}
