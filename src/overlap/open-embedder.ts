/** The embedder a setting names. */

import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { defaultCacheFolder } from '../common/cache-folder.ts';
import { IdiolectError } from '../common/errors.ts';
import { setting } from '../common/wording.ts';
import type { LanguageModel } from '../language-model/language-model.ts';
import { BackboneEmbedder, type BackboneEmbedderOptions } from './backbone-embedder.ts';
import type { Embedder } from './embedder.ts';
import { CachedEmbedder } from './embedding-cache.ts';
import { EncoderEmbedder } from './encoder-embedder.ts';
import { NgramEmbedder } from './ngrams.ts';

export const embedderSchema = z.object({
  embedder: z
    .string()
    .default('backbone')
    .describe('how records become vectors: backbone, ngrams, or the folder of a sentence encoder in ONNX'),
});

export type EmbedderSettings = z.infer<typeof embedderSchema> &
  BackboneEmbedderOptions & {
    /** Folder of the embeddings shared by runs; the user's cache folder where absent. */
    readonly cache?: string;
  };

/**
 * Opens an embedder; what a model computes is kept on disk. The backbone is the model given, an encoder runs on the
 * model's device.
 *
 * @throws IdiolectError CONFIG when `embedder` names nothing, MODEL, TOKENIZER or ENGINE when its folder is no encoder
 */
export async function openEmbedder(settings: EmbedderSettings, model: LanguageModel): Promise<Embedder> {
  const { embedder: named, cache = defaultCacheFolder() } = settings;
  if (named === 'ngrams') return new NgramEmbedder();
  if (named === 'backbone') return CachedEmbedder.open(cache, new BackboneEmbedder(model, settings));
  await requireEmbedder(named);
  return CachedEmbedder.open(cache, await EncoderEmbedder.open(named, model.engine));
}

/** @throws IdiolectError CONFIG when a setting names no embedder: refused before any work */
export async function requireEmbedder(named: string): Promise<void> {
  if (named === 'ngrams' || named === 'backbone') return;
  const isFolder = await stat(named).then(
    found => found.isDirectory(),
    () => false,
  );
  if (isFolder) return;
  throw new IdiolectError(
    'CONFIG',
    `${setting('embedder')}: "${named}" is neither backbone, ngrams nor a folder that exists.`,
  );
}
