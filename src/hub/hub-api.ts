/** Questions to the Hugging Face Hub. */
import type { z } from 'zod';
import { IdiolectError, reasonOf } from '../common/errors.ts';
import { type Patience, request, TooLarge, TooSlow } from '../common/request.ts';

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
}

/** Bytes of an answer that are read. The list of a repository with 10,000 files takes 3 MB. */
const LONGEST = 32 * 2 ** 20;

/**
 * The answer at an address of the Hub's interface.
 *
 * @throws IdiolectError DATA where the Hub cannot be reached, says no (its Response is the cause) or answers with
 *   something else, too slowly or without end; INTERRUPTED by the signal
 */
export async function askHub<S extends z.ZodType>(
  url: string,
  schema: S,
  { headers, signal, patience }: AskOptions = {},
): Promise<z.infer<S>> {
  let response: Response;
  let body: unknown;
  try {
    const answer = await request(url, { headers, signal, patience });
    response = answer.response;
    if (response.ok) body = jsonOf(await answer.text(LONGEST));
    else await response.body?.cancel();
  } catch (error) {
    if (signal?.aborted) throw new IdiolectError('INTERRUPTED', `stopped while asking ${url}.`);
    if (error instanceof TooLarge || error instanceof TooSlow) {
      throw new IdiolectError('DATA', `${url} ${error.message}; try again later, or correct the address.`);
    }
    const cause = error instanceof Error ? error.cause : undefined;
    throw new IdiolectError('DATA', `${url} cannot be reached (${reasonOf(cause ?? error)}).`, { cause: error });
  }
  if (!response.ok) {
    const answer = `${response.status} ${response.statusText}`.trimEnd();
    throw new IdiolectError('DATA', `${url} answers ${answer}.`, { cause: response });
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new IdiolectError('DATA', `${url} does not answer with a list of files; has the Hub's interface changed?`);
}

/** What is not JSON fits no schema, and is refused with it. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
