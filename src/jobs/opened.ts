/** The model and data of a job, opened once and shared by the jobs within it. */
import type { EngineOptions } from '../engine/session.ts';
import { type Dataset, loadDataset } from '../histories/dataset.ts';
import { Encoder } from '../language-model/encoder.ts';
import { LanguageModel } from '../language-model/language-model.ts';
import type { DataSettings } from '../runs/settings.ts';
import type { JobContext, NoticeEvent } from './context.ts';

export type OpenSettings = DataSettings & EngineOptions & { readonly model: string; readonly seed: number };

export interface Opened {
  readonly model: LanguageModel;
  readonly dataset: Dataset;
  /** Encodes records as the settings say. */
  readonly encoder: Encoder;
}

/**
 * Opens the model and the data that settings name, hands them to the work, and closes the model after it.
 *
 * @throws IdiolectError as `LanguageModel.load` and `loadDataset` do
 */
export async function withOpened<T>(
  settings: OpenSettings,
  { onEvent }: Pick<JobContext<NoticeEvent>, 'onEvent'>,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const model = await openModel(settings.model, settings);
  try {
    const encoder = new Encoder(model, settings);
    const dataset = await loadDataset(settings);
    for (const message of dataset.notices) onEvent?.({ type: 'notice', message });
    return await work({ model, dataset, encoder });
  } finally {
    await model.close();
  }
}

/**
 * Opens the model of a name or folder, with the device and the date in prompts that the settings ask for. The caller
 * closes it.
 */
export async function openModel(
  model: string,
  { device, threads, promptDate }: EngineOptions & Pick<OpenSettings, 'promptDate'>,
): Promise<LanguageModel> {
  return LanguageModel.load(model, { device, threads }, { promptDate });
}

const OF_MODEL = ['model', 'device', 'threads', 'promptDate'] as const;
const OF_DATA = ['data', 'queryShare', 'skipBad', 'targetUsers', 'seed'] as const;

/**
 * The same for other settings: a model or data that both settings share is reused; the rest is opened for the work and
 * closed after it.
 */
export async function withReopened<T>(
  opened: Opened,
  before: OpenSettings,
  settings: OpenSettings,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const isSame = (keys: readonly (keyof OpenSettings)[]) => keys.every(key => before[key] === settings[key]);
  const isSameModel = isSame(OF_MODEL);
  const model = isSameModel ? opened.model : await openModel(settings.model, settings);
  try {
    const dataset = isSame(OF_DATA) ? opened.dataset : await loadDataset(settings);
    return await work({ model, dataset, encoder: new Encoder(model, settings) });
  } finally {
    if (!isSameModel) await model.close();
  }
}
