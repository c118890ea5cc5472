import { type Given, resolveGiven } from '../../common/settings.ts';
import { loadDataset } from '../../histories/dataset.ts';
import { requireDistinctFolders } from '../../runs/folder-names.ts';
import { stopRunIfAsked } from '../../runs/loop.ts';
import { RunFolder } from '../../runs/run-folder.ts';
import { openModel } from '../opened.ts';
import { type CompareContext, Comparison } from './comparison.ts';
import { divideUsers } from './division.ts';
import { withFirstMetric } from './first-metric.ts';
import { methodsByName } from './methods/catalogue.ts';
import type { ComparisonReports } from './report-files.ts';
import { requirePossible } from './requirements.ts';
import { compareSchema, settingsOfTask, taskFileName } from './task-settings.ts';

/**
 * Adapts the backbone to the task, chooses each method's hyper-parameters on development users, trains every method and
 * collects its answers for the target users, and writes results.md, results.json and report.html.
 *
 * @throws IdiolectError INTERRUPTED when stopped by the signal; the same call continues from there
 */
export async function compare(
  given: Given<typeof compareSchema>,
  context: CompareContext = {},
): Promise<ComparisonReports> {
  const resolved = resolveGiven(compareSchema, given);
  const specs = methodsByName(resolved.values.methods, context.methods);
  const notice = (message: string) => context.onEvent?.({ type: 'notice', message });
  const folder = new RunFolder(resolved.values.out);
  const { task, data } = resolved.values;
  const unlock = await folder.lock(task === undefined ? [] : [taskFileName(task, data)]);
  try {
    const { settings, metrics: ofTask } = await settingsOfTask(resolved, {
      folder: folder.path,
      onNotice: notice,
      onRecord: () => stopRunIfAsked(context.signal, folder),
    });
    const dataset = await loadDataset({ ...settings.values, targetUsers: undefined });
    for (const message of dataset.notices) notice(message);
    const division = await divideUsers(dataset, settings.values);
    const asked = [...division.targets, ...division.development];
    requireDistinctFolders(asked);
    const references = asked.flatMap(user => dataset.users.get(user)!.query.map(({ output }) => output));
    const measured = withFirstMetric(ofTask, resolved.values.metrics !== undefined, references);
    for (const message of [...division.notices, measured.note ?? []].flat()) notice(message);
    await requirePossible(settings.values, measured.metrics, division, context);
    const base = await openModel(settings.values.model, settings.values, context);
    try {
      const plan = { settings, measured, specs, division, folder };
      return await new Comparison(plan, { base, dataset }, context).all();
    } finally {
      await base.close();
    }
  } finally {
    await unlock();
  }
}
