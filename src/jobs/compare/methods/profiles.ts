/** Descriptions of users for PAG: written once by the backbone from a sample of each user's records, and kept. */
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, PRIVATE, writeFileAtomic } from '../../../common/files.ts';
import { readKeptJson } from '../../../common/own-file.ts';
import { random } from '../../../common/random.ts';
import { type HistoryRecord, profileRequest } from '../../../histories/index.ts';
import type { LanguageModel } from '../../../language-model/language-model.ts';
import { folderName } from '../../../runs/folder-names.ts';

/** The most tokens of a profile. */
const PROFILE_TOKENS = 100;

export interface ProfileOptions {
  /** Where profiles are kept. */
  readonly folder: string;
  /** Records a profile is written from, drawn with the seed; fewer where the model has no room for that many. */
  readonly records: number;
  readonly seed: number;
  readonly chat: 'auto' | 'never';
  readonly signal?: AbortSignal;
}

/** The user's profile: the kept one, or else one that the model writes, which is then kept. */
export async function userProfile(
  model: LanguageModel,
  user: string,
  history: readonly HistoryRecord[],
  { folder, records, seed, chat, signal }: ProfileOptions,
): Promise<string> {
  const file = join(folder, `${folderName(user)}.json`);
  const known = await readKeptJson(file, z.string());
  if (known !== undefined) return known;
  const room = model.promptRoom({ maxTokens: PROFILE_TOKENS, maxLength: model.checkpoint.config.maxPositions });
  const isLonger = (shown: readonly HistoryRecord[]) =>
    model.tokenizer.encodePrompt(profileRequest(shown), chat).length > room;
  let sample = random(seed, `profile/${user}`).shuffled(history).slice(0, records);
  // A prompt that is too long loses its beginning, which is where the question starts.
  while (sample.length > 1 && isLonger(sample)) sample = sample.slice(1);
  const [profile] = await model.generateAll([profileRequest(sample)], {
    maxTokens: PROFILE_TOKENS,
    temperature: 0,
    topP: 1,
    chat,
    random: () => random(seed, 'greedy'),
    ...(signal && { signal }),
  });
  await makeFolder(folder);
  await writeFileAtomic(file, `${JSON.stringify(profile)}\n`, PRIVATE);
  return profile!;
}
