/**
 * What the own texts are chosen over in DPO and CoPe: samples of the task-adapted model for the same requests. Drawn
 * once for each user and kept; which of a record's samples is the negative is the method's choice.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, PRIVATE, writeFileAtomic } from '../../../common/files.ts';
import { readKeptJson } from '../../../common/own-file.ts';
import { random } from '../../../common/random.ts';
import { type HistoryRecord, recordKey } from '../../../histories/index.ts';
import type { RejectedText } from '../../../histories/rejected.ts';
import type { TokenSequence } from '../../../language-model/batch.ts';
import type { LanguageModel } from '../../../language-model/language-model.ts';
import type { Adapter } from '../../../model/adapter.ts';
import { folderName } from '../../../runs/folder-names.ts';

/** As CoPe draws them (Bu et al. 2025). */
const SAMPLES = 3;
const keptSchema = z.array(z.array(z.string()).length(SAMPLES));
const SAMPLING = { temperature: 1, topP: 0.95 };

export interface SampleOptions {
  /** The folder of kept samples. */
  readonly folder: string;
  readonly prompt: (record: HistoryRecord) => string;
  readonly maxTokens: number;
  readonly maxLength: number;
  readonly chat: 'auto' | 'never';
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Each record's samples, in the order of the records: kept ones where there are any, newly drawn ones otherwise. */
export async function samplesOf(
  model: LanguageModel,
  user: string,
  records: readonly HistoryRecord[],
  { folder, prompt, maxTokens, maxLength, chat, seed, signal }: SampleOptions,
): Promise<readonly (readonly string[])[]> {
  const file = join(folder, `${folderName(user)}.json`);
  const known = await readKeptJson(file, keptSchema.length(records.length));
  if (known) return known;
  const draws = records.flatMap(record => Array.from({ length: SAMPLES }, (_, draw) => ({ record, draw })));
  const texts = await model.generateAll(
    draws.map(({ record }) => prompt(record)),
    {
      ...SAMPLING,
      maxTokens,
      maxLength,
      chat,
      random: i => random(seed, `sample/${recordKey(draws[i]!.record)}/${draws[i]!.draw}`),
      ...(signal && { signal }),
    },
  );
  const samples = records.map((_, i) => texts.slice(i * SAMPLES, (i + 1) * SAMPLES));
  await makeFolder(folder);
  await writeFileAtomic(file, `${JSON.stringify(samples)}\n`, PRIVATE);
  return samples;
}

/**
 * The sample most typical of the task and least of the user: the one with the largest mean over its tokens of log
 * p(TAM) - log p(TAM with the OPPU adapter). The prompt's tokens do not count.
 */
export async function leastPersonal(
  model: LanguageModel,
  oppu: Adapter,
  encode: (completion: string) => TokenSequence,
  samples: readonly string[],
): Promise<string> {
  const sequences = samples.map(encode);
  const task = await model.scoreCandidates(sequences);
  const user = await model.scoreCandidates(sequences, oppu);
  const scores = task.map(({ logProb, tokens }, i) => (logProb - user[i]!.logProb) / tokens);
  return samples[scores.indexOf(Math.max(...scores))]!;
}

/** Writes the file of pairs that `rejected` reads: each record, and the text it is chosen over. */
export async function writeRejected(
  file: string,
  pairs: readonly { readonly record: HistoryRecord; readonly rejected: string }[],
): Promise<void> {
  const lines = pairs.map(
    ({ record: { user, input, output }, rejected }): RejectedText => ({ user, input, output, rejected }),
  );
  await writeFileAtomic(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''), PRIVATE);
}
