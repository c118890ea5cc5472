/** idiolect.json in an adapter's folder: the base it belongs to and the form of its prompts, which PEFT's files do not say. */
import { join } from 'node:path';
import { z } from 'zod';
import { readOwnJson } from '../common/own-file.ts';
import { promptDateSchema } from './prompt-date.ts';

export const ADAPTER_CARD = 'idiolect.json';

const cardSchema = z.looseObject({
  /** The model the adapter was trained on: its name, and its fingerprint, which is the same wherever it is kept. */
  base: z.looseObject({ name: z.string(), fingerprint: z.string() }),
  /** How prompts were made: of another form they give another text. */
  prompt: z.looseObject({
    template: z.string(),
    chat: z.enum(['auto', 'never']),
    date: promptDateSchema,
  }),
});

export type AdapterCard = z.infer<typeof cardSchema>;

/**
 * The card of an adapter, or undefined where another program wrote the adapter.
 *
 * @throws IdiolectError ADAPTER naming the file and what is wrong in it
 */
export async function readAdapterCard(folder: string): Promise<AdapterCard | undefined> {
  const remedy = 'Train the adapter again, or remove the file and give `template`, `chat` and `promptDate` yourself.';
  return readOwnJson(join(folder, ADAPTER_CARD), { schema: cardSchema, remedy, code: 'ADAPTER' });
}
