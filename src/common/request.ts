/** Requests to servers that may be silent, slow or endless: none of them is waited for without a limit. */

/** How long a server may take. */
export interface Patience {
  /** Milliseconds until its answer begins. */
  readonly answer: number;
  /** Within each span of this many milliseconds ... */
  readonly span: number;
  /** ... this many bytes must come, unless the answer ends. */
  readonly bytes: number;
}

/** A minute for the answer to begin, then 100 bytes a second, which a bad mobile connection still brings. */
const PATIENCE: Patience = { answer: 60_000, span: 30_000, bytes: 3000 };

/** The server was given up. The message completes a sentence that begins with its address. */
export class TooSlow extends Error {}

/** More came than was to be read. */
export class TooLarge extends Error {}

export interface Answer {
  readonly response: Response;
  /** The body as it comes. @throws TooSlow, or what `fetch` throws where the connection breaks or the signal stops it */
  chunks(): AsyncGenerator<Uint8Array>;
  /** The body as text. @throws TooLarge beyond `most` bytes, and what `chunks` throws */
  text(most: number): Promise<string>;
}

export interface RequestOptions extends Omit<RequestInit, 'signal'> {
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
  readonly fetch?: typeof fetch;
}

/**
 * As `fetch`, with limits on the time.
 *
 * @throws TooSlow where no answer begins in time, and whatever `fetch` throws
 */
export async function request(
  url: string,
  { signal, patience = PATIENCE, fetch = globalThis.fetch, ...init }: RequestOptions = {},
): Promise<Answer> {
  const impatient = new AbortController();
  const either = AbortSignal.any(signal ? [signal, impatient.signal] : [impatient.signal]);
  const giveUp = (what: string) => impatient.abort(new TooSlow(what));
  const timer = setTimeout(() => giveUp(`did not answer within ${seconds(patience.answer)}`), patience.answer);
  const response = await fetch(url, { ...init, signal: either }).finally(() => clearTimeout(timer));

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader();
    if (!reader) return;
    let came = 0;
    const watch = setInterval(() => {
      if (came < patience.bytes) giveUp(`sent only ${came} bytes in ${seconds(patience.span)}`);
      came = 0;
    }, patience.span);
    let isWhole = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        isWhole = done;
        if (done) return;
        came += value.length;
        yield value;
      }
    } finally {
      clearInterval(watch);
      // Who stops reading does not want the rest: the connection is closed.
      if (!isWhole) await reader.cancel().catch(() => {});
    }
  }

  async function text(most: number): Promise<string> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of chunks()) {
      size += part.length;
      if (size > most) throw new TooLarge(`sent more than the ${most} bytes that are read of such an answer`);
      parts.push(part);
    }
    return new TextDecoder().decode(Buffer.concat(parts));
  }

  return { response, chunks, text };
}

const seconds = (milliseconds: number) => (milliseconds === 1000 ? '1 second' : `${milliseconds / 1000} seconds`);
