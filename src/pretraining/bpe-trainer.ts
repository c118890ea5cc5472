/**
 * Trains a byte-level BPE tokenizer (Sennrich et al. 2016, over the bytes of GPT-2's pieces of text): the same merges in
 * the same order as the BpeTrainer of Hugging Face tokenizers finds, ties included.
 */
import { IdiolectError } from '../common/errors.ts';

export interface BpeOptions {
  /** Entries in all: special tokens, the 256 bytes, and one for each merge. */
  readonly vocabSize: number;
  /** Tokens that no text makes, with the first ids. */
  readonly specials: readonly string[];
  /** A pair seen less often is not merged. */
  readonly minFrequency: number;
}

export interface Bpe {
  /** The entry of each id. */
  readonly vocabulary: readonly string[];
  /** In the order of their rank. */
  readonly merges: readonly (readonly [string, string])[];
}

/**
 * GPT-2's pieces: contractions, words, numbers and other signs with the space before them, white space.
 * White space by the Unicode property, as Rust's `\s` is; JavaScript's own differs in two characters.
 */
const PIECE =
  /'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The pieces of a text, each of which is tokenized by itself. */
export function pieces(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** Adds the pieces of a text to a count. */
export function countPieces(text: string, counts: Map<string, number>): void {
  for (const piece of pieces(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
}

/** The characters byte-level tokenizers write the 256 bytes with: printable ones as they are, others from U+0100 on. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

/** A pair of ids as one number. */
const keyOf = (left: number, right: number) => left * 0x10000 + right;

interface Candidate {
  readonly key: number;
  /** As it was when the candidate was queued; looked up again when its turn comes. */
  count: number;
  /** The words the pair was seen in. */
  readonly words: readonly number[];
}

/**
 * @param counts how often each piece of text occurs, as `countPieces` counts
 * @throws IdiolectError TOKENIZER when the vocabulary cannot hold the bytes or does not fit 16 bits
 */
export function trainBpe(counts: ReadonlyMap<string, number>, { vocabSize, specials, minFrequency }: BpeOptions): Bpe {
  const smallest = specials.length + 256;
  if (vocabSize < smallest || vocabSize > 0x10000) {
    throw new IdiolectError(
      'TOKENIZER',
      `a vocabulary of ${vocabSize} entries cannot be: it must hold ${specials.length} special tokens and 256 bytes, and at most 65536.`,
    );
  }
  const vocabulary = [...specials, ...BYTE_CHARACTERS.toSorted()];
  const ids = new Map(vocabulary.map((entry, id) => [entry, id]));
  const words = new Words(counts, ids);
  const pairs = new PairCounts();
  words.forEachPair((key, word, count) => pairs.change(key, count, word));
  const queue = new CandidateQueue();
  pairs.queueChanged(queue);

  // The rank of a pair met twice is that of the last time; see `merge` of Words.
  const merges = new Map<number, readonly [string, string]>();
  while (vocabulary.length < vocabSize) {
    const top = queue.pop();
    if (!top) break;
    const count = pairs.of(top.key);
    if (count !== top.count) {
      top.count = count;
      queue.push(top);
      continue;
    }
    if (count < Math.max(1, minFrequency)) break;
    const left = Math.floor(top.key / 0x10000);
    const right = top.key % 0x10000;
    const entry = vocabulary[left]! + vocabulary[right]!;
    let id = ids.get(entry);
    if (id === undefined) {
      id = vocabulary.length;
      vocabulary.push(entry);
      ids.set(entry, id);
    }
    merges.delete(top.key);
    merges.set(top.key, [vocabulary[left]!, vocabulary[right]!]);
    for (const word of top.words) words.merge(word, left, right, id, pairs);
    pairs.queueChanged(queue);
  }
  return { vocabulary, merges: [...merges.values()] };
}

/** Every distinct piece as a row of ids, and how often it occurs. */
class Words {
  readonly #ids: Uint16Array[];
  readonly #counts: number[];

  constructor(counts: ReadonlyMap<string, number>, ids: ReadonlyMap<string, number>) {
    const encoder = new TextEncoder();
    const byteIds = BYTE_CHARACTERS.map(character => ids.get(character)!);
    this.#ids = Array.from(counts.keys(), piece => Uint16Array.from(encoder.encode(piece), byte => byteIds[byte]!));
    this.#counts = [...counts.values()];
  }

  forEachPair(visit: (key: number, word: number, count: number) => void): void {
    this.#ids.forEach((ids, word) => {
      for (let i = 0; i + 1 < ids.length; i++) visit(keyOf(ids[i]!, ids[i + 1]!), word, this.#counts[word]!);
    });
  }

  /**
   * Replaces a pair in a word, from the left, and counts the neighbours' pairs again. The pair's own count stays: it is
   * not queued again, unless another merge makes the same entry and so the same pairs.
   */
  merge(word: number, left: number, right: number, id: number, pairs: PairCounts): void {
    const ids = this.#ids[word]!;
    const count = this.#counts[word]!;
    let write = 0;
    for (let read = 0; read < ids.length; read++) {
      if (ids[read] !== left || ids[read + 1] !== right) {
        ids[write++] = ids[read]!;
        continue;
      }
      if (write > 0) {
        pairs.change(keyOf(ids[write - 1]!, left), -count, word);
        pairs.change(keyOf(ids[write - 1]!, id), count, word);
      }
      ids[write++] = id;
      read++;
      if (read + 1 < ids.length) {
        pairs.change(keyOf(right, ids[read + 1]!), -count, word);
        pairs.change(keyOf(id, ids[read + 1]!), count, word);
      }
    }
    if (write < ids.length) this.#ids[word] = ids.subarray(0, write);
  }
}

/** How often each pair occurs, and where pairs have come up since they were last queued. */
class PairCounts {
  readonly #counts = new Map<number, number>();
  #fresh = new Map<number, number[]>();

  of(key: number): number {
    return this.#counts.get(key) ?? 0;
  }

  change(key: number, by: number, word: number): void {
    this.#counts.set(key, this.of(key) + by);
    if (by < 0) return;
    const places = this.#fresh.get(key);
    if (!places) this.#fresh.set(key, [word]);
    else if (places.at(-1) !== word) places.push(word);
  }

  queueChanged(queue: CandidateQueue): void {
    for (const [key, words] of this.#fresh) {
      const count = this.of(key);
      if (count > 0) queue.push({ key, count, words });
    }
    this.#fresh = new Map();
  }
}

/** A binary heap: the most frequent pair first, of equals the one of smaller ids. */
class CandidateQueue {
  readonly #heap: Candidate[] = [];

  push(candidate: Candidate): void {
    const heap = this.#heap;
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(candidate, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = candidate;
  }

  pop(): Candidate | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || !last) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.count === b.count ? a.key < b.key : a.count > b.count;
}

/** tokenizer.json of a trained BPE, as Hugging Face libraries read it. */
export function tokenizerJson({ vocabulary, merges }: Bpe, specials: readonly string[]): Record<string, unknown> {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specials.map((content, id) => ({ id, content, ...flags })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary.map((entry, id) => [entry, id])),
      merges,
    },
  };
}
