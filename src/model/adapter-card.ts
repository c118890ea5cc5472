/** idiolect.json in an adapter's folder: the base it belongs to and the form of its prompts, which PEFT's files do not say. */
import { join } from 'node:path';
import { z } from 'zod';
import { IdiolectError } from '../common/errors.ts';
import { exists } from '../common/files.ts';
import { readInputJson } from '../common/input-file.ts';
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
  const file = join(folder, ADAPTER_CARD);
  if (!(await exists(file))) return undefined;
  const parsed = cardSchema.safeParse(await readInputJson(file, { code: 'ADAPTER' }));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new IdiolectError(
    'ADAPTER',
    `${file} is damaged ("${path.join('.')}": ${message}). Train the adapter again, or remove the file and give ` +
      '--template, --chat and --prompt-date yourself.',
  );
}
