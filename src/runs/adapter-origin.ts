/** What a published adapter says about its origin. */
import { basename, resolve } from 'node:path';
import type { LanguageModel } from '../language-model/language-model.ts';
import type { AdapterOrigin } from '../model/adapter.ts';
import type { TrainSettings } from './settings.ts';

type OriginSettings = Pick<TrainSettings, 'baseName' | 'template' | 'chat'>;

/** The name by which others find the model. Not its path, which says more about this machine than about the model. */
export function baseNameOf(
  { checkpoint }: Pick<LanguageModel, 'checkpoint'>,
  { baseName }: Pick<TrainSettings, 'baseName'>,
): string {
  if (baseName !== undefined) return baseName;
  return checkpoint.commit === undefined ? basename(resolve(checkpoint.folder)) : checkpoint.name;
}

/** @param description Markdown for the folder's README */
export function adapterOrigin(model: LanguageModel, settings: OriginSettings, description: string): AdapterOrigin {
  const { checkpoint, tokenizer } = model;
  const { template, chat } = settings;
  const baseModel = baseNameOf(model, settings);
  return {
    baseModel,
    ...(checkpoint.commit !== undefined && { revision: checkpoint.commit }),
    description,
    card: {
      base: { name: baseModel, fingerprint: checkpoint.fingerprint },
      prompt: { template, chat, date: tokenizer.promptDate },
    },
  };
}
