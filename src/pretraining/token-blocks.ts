/** A stream of tokens cut into blocks, and the order in which a training run reads them. */
import { counted } from '../common/counted.ts';
import { IdiolectError } from '../common/errors.ts';
import { random } from '../common/random.ts';

export interface BlockOptions {
  /** Tokens predicted in a block; it holds one more. */
  readonly blockLength: number;
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * Batches by number, each drawn from the seed alone: a run that continues where it stopped replays nothing. A pass over
 * the data starts at an offset of its own, so that blocks begin at other tokens each time, and takes them in an order
 * of its own; documents follow one another in a block, closed by their end token.
 */
export class TokenBlocks {
  readonly #tokens: Uint16Array;
  readonly #options: BlockOptions;
  /** Blocks of a pass, whatever its offset. */
  readonly #count: number;
  #pass: { readonly number: number; readonly offset: number; readonly order: readonly number[] } | undefined;

  /** @throws IdiolectError DATA when there are too few tokens for a batch */
  constructor(tokens: Uint16Array, options: BlockOptions) {
    const { blockLength, batchSize } = options;
    this.#tokens = tokens;
    this.#options = options;
    this.#count = Math.max(0, Math.floor((tokens.length - blockLength) / blockLength));
    if (this.#count < batchSize) {
      throw new IdiolectError(
        'DATA',
        `${counted(tokens.length, 'token is', 'tokens are')} too few for a batch of ${counted(batchSize, 'block')} of ${blockLength}. Give more text, or smaller batches.`,
      );
    }
  }

  batch(step: number): Uint16Array[] {
    const { blockLength, batchSize } = this.#options;
    return Array.from({ length: batchSize }, (_, i) => {
      const number = step * batchSize + i;
      const { offset, order } = this.#passOf(Math.floor(number / this.#count));
      const start = offset + order[number % this.#count]! * blockLength;
      return this.#tokens.subarray(start, start + blockLength + 1);
    });
  }

  #passOf(number: number) {
    if (this.#pass?.number !== number) {
      const source = random(this.#options.seed, `blocks/${number}`);
      const offset = source.integer(this.#options.blockLength);
      const order = source.shuffled(Array.from({ length: this.#count }, (_, i) => i));
      this.#pass = { number, offset, order };
    }
    return this.#pass;
  }
}

/** Consecutive blocks from the start, at most `limit`, in batches; what is left at the end is not read. */
export function consecutiveBatches(
  tokens: Uint16Array,
  { blockLength, batchSize }: Pick<BlockOptions, 'blockLength' | 'batchSize'>,
  limit: number,
): Uint16Array[][] {
  const count = Math.min(limit, Math.floor((tokens.length - 1) / blockLength));
  const blocks = Array.from({ length: Math.max(0, count) }, (_, i) =>
    tokens.subarray(i * blockLength, (i + 1) * blockLength + 1),
  );
  return Array.from({ length: Math.ceil(blocks.length / batchSize) }, (_, i) =>
    blocks.slice(i * batchSize, (i + 1) * batchSize),
  );
}
