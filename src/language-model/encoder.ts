/**
 * Turns records into the token sequences a model reads, with the same template and length for training and evaluation.
 */
import { z } from 'zod';
import { counted } from '../common/counted.ts';
import { type HistoryRecord, renderPrompt, templateText } from '../histories/index.ts';
import { DEFAULT_PROMPT_DATE, promptDateSchema } from '../model/prompt-date.ts';
import type { EncodedExample, LanguageModel } from './language-model.ts';

export const encodingSchema = z.object({
  template: z.string().default('plain').describe('prompt template: a built-in name, or a text with {input}'),
  chat: z.enum(['auto', 'never']).default('auto').describe('use the model’s chat template when it has one'),
  promptDate: promptDateSchema
    .optional()
    .describe(`date that chat templates use as today’s, YYYY-MM-DD (default: ${DEFAULT_PROMPT_DATE})`),
  maxLength: z.int().min(2).default(2048).describe('longest sequence in tokens, up to the model’s own limit'),
});

export type EncodingSettings = z.infer<typeof encodingSchema>;

/** Turns records into token sequences, always by the same template. */
export class Encoder {
  readonly #model: LanguageModel;
  readonly #settings: EncodingSettings;

  constructor(model: LanguageModel, settings: EncodingSettings) {
    model.tokenizer.requirePlain(templateText(settings.template)); // refused before any work
    this.#model = model;
    this.#settings = settings;
  }

  /** Longest sequence in tokens: the setting, or the model's own limit if that is shorter. */
  get maxLength(): number {
    return Math.min(this.#settings.maxLength, this.#model.checkpoint.config.maxPositions);
  }

  encode(record: HistoryRecord): EncodedExample {
    const { template, chat } = this.#settings;
    return this.#model.encode(renderPrompt(template, record), record.output, { chat, maxLength: this.maxLength });
  }
}

/** One sentence for each kind of text that had to be cut. */
export function cutNotices(examples: readonly EncodedExample[]): string[] {
  const prompts = examples.filter(({ promptCut }) => promptCut).length;
  const completions = examples.filter(({ completionCut }) => completionCut).length;
  return [
    ...(prompts > 0 ? [`${counted(prompts, 'prompt')} lost the beginning: too long`] : []),
    ...(completions > 0 ? [`${counted(completions, 'completion')} lost the end: too long`] : []),
  ];
}
