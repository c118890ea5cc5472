/** Prompts with completions of other records, from which KTO estimates the divergence from the reference. */
import type { Random } from '../common/random.ts';
import type { TokenSequence } from '../language-model/batch.ts';

/**
 * Pairs each sequence's prompt with the completion of the next in a shuffled circle of all of a user's records. TRL
 * rotates each batch separately; pairs that stay the same for all batches and epochs estimate the same mean, and their
 * reference scores are computed only once.
 *
 * @param maxLength longest sequence in tokens; a completion is cut at the end where the two together are longer
 */
export function mismatchedCompletions(
  sequences: readonly TokenSequence[],
  source: Random,
  maxLength: number,
): ReadonlyMap<TokenSequence, TokenSequence> {
  const circle = source.shuffled([...sequences]);
  return new Map(
    circle.map((sequence, i) => {
      const other = circle[(i + 1) % circle.length]!;
      const ids = [...sequence.ids.slice(0, sequence.promptLength), ...other.ids.slice(other.promptLength)];
      return [sequence, { ids: ids.slice(0, maxLength), promptLength: sequence.promptLength }];
    }),
  );
}
