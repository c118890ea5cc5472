/** The model and data of a job, opened once and shared by the jobs within it. */
import { type Dataset, loadDataset } from '../histories/dataset.ts';
import { Encoder } from '../language-model/encoder.ts';
import { LanguageModel } from '../language-model/language-model.ts';
import type { ModelEngineOptions } from '../language-model/model-session.ts';
import type { DataSettings } from '../runs/settings.ts';
import type { JobContext, NoticeEvent } from './context.ts';

type ModelSettings = ModelEngineOptions & Pick<DataSettings, 'promptDate'> & { readonly cache?: string | undefined };

export type OpenSettings = DataSettings & ModelSettings & { readonly model: string; readonly seed: number };

/** What opening a model reports, and what stops it. */
export type OpenContext = Pick<JobContext<NoticeEvent>, 'onEvent' | 'signal'>;

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
  context: OpenContext,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const model = await openModel(settings.model, settings, context);
  try {
    const encoder = new Encoder(model, settings);
    const dataset = await loadDataset(settings);
    for (const message of dataset.notices) context.onEvent?.({ type: 'notice', message });
    return await work({ model, dataset, encoder });
  } finally {
    await model.close();
  }
}

/**
 * Opens the model of a name or folder, with the engine and the date in prompts that the settings ask for. The caller
 * closes it.
 */
export async function openModel(
  model: string,
  { device, threads, base, promptDate, cache }: ModelSettings,
  { signal, onEvent }: OpenContext,
): Promise<LanguageModel> {
  const onNotice = (message: string) => onEvent?.({ type: 'notice', message });
  return LanguageModel.load(model, { device, threads, base }, { promptDate, cache, signal, onNotice });
}

const OF_MODEL = ['model', 'device', 'threads', 'base', 'promptDate'] as const;
const OF_DATA = ['data', 'queryShare', 'skipBad', 'targetUsers', 'seed'] as const;

/**
 * The same for other settings: a model or data that both settings share is reused; the rest is opened for the work and
 * closed after it.
 */
export async function withReopened<T>(
  opened: Opened & { readonly settings: OpenSettings },
  settings: OpenSettings,
  context: OpenContext,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const isSame = (keys: readonly (keyof OpenSettings)[]) => keys.every(key => opened.settings[key] === settings[key]);
  const isSameModel = isSame(OF_MODEL);
  const model = isSameModel ? opened.model : await openModel(settings.model, settings, context);
  try {
    const dataset = isSame(OF_DATA) ? opened.dataset : await loadDataset(settings);
    return await work({ model, dataset, encoder: new Encoder(model, settings) });
  } finally {
    if (!isSameModel) await model.close();
  }
}
