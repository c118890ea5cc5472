/** Prompts that show a model more than the request: what the same person wrote before, or a description of it. */
import type { HistoryRecord } from './record.ts';
import { capWords } from './templates.ts';

type Exchange = Pick<HistoryRecord, 'input' | 'output'>;

/** Words of an earlier record's input that are shown beside its output. */
const EXAMPLE_WORDS = 40;
/** Words of each text a profile is written from; the custom of PAG's public code. */
const PROFILE_WORDS = 200;

/**
 * The prompt after some of the user's records, each with the beginning of its input: retrieval-augmented generation
 * (RAG). The benchmarks word this differently for each task; here one wording serves all.
 */
export function withExamples(prompt: string, examples: readonly Exchange[]): string {
  if (examples.length === 0) return prompt;
  const shown = examples.map(({ input, output }) => `Input: ${capWords(input, EXAMPLE_WORDS)}\nOutput: ${output}\n\n`);
  return `What the same person wrote before:\n\n${shown.join('')}${prompt}`;
}

/** The prompt after a description of the user's way of writing: profile-augmented generation (PAG). */
export function withProfile(prompt: string, profile: string): string {
  return `How this person writes: ${profile}\n\n${prompt}`;
}

/** Asks for that description. */
export function profileRequest(records: readonly Pick<HistoryRecord, 'output'>[]): string {
  const texts = records.map(({ output }, i) => `${i + 1}. ${capWords(output, PROFILE_WORDS)}`);
  return `These texts are by one person.\n\n${texts.join('\n')}\n\nDescribe in a few sentences how this person writes and about what.`;
}
