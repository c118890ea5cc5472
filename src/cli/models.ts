/** Downloads models given by name before a verb's work, with a progress line. */
import { megabytes } from '../hub/download.ts';
import { atCommit, resolveModel } from '../hub/hub.ts';
import { RunFolder } from '../runs/run-folder.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { TimeLeft, transferLine } from '../terminal/time-left.ts';

/**
 * Downloads the models that a verb with these settings will load, where they are not there yet.
 *
 * @throws IdiolectError as `resolveModel`
 */
export async function fetchModels(
  settings: Readonly<Record<string, unknown>>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  for (const model of await modelsOf(settings)) {
    const left = new TimeLeft();
    let bytes = 0;
    const folder = await resolveModel(model, {
      signal,
      onNotice: message => terminal.say(`note: ${message}`),
      onProgress({ done, total, before }) {
        bytes = total;
        terminal.progress(`${model}: ${transferLine(left, done, total, before)}`);
      },
    });
    if (bytes > 0) terminal.say(`${model}: ${megabytes(bytes)} MB in ${folder}`);
  }
}

/** `--model`, or the models that the runs in question were made with, at the commits they had. */
async function modelsOf({ model, run, against }: Readonly<Record<string, unknown>>): Promise<ReadonlySet<string>> {
  if (typeof model === 'string') return new Set([model]);
  const models = new Set<string>();
  for (const folder of [run, against]) {
    const record = typeof folder === 'string' ? await new RunFolder(folder).read() : null;
    const recorded = record?.settings.model?.value;
    const commit = record?.sources.commit;
    if (typeof recorded === 'string' && commit !== undefined) models.add(atCommit(recorded, commit));
  }
  return models;
}
