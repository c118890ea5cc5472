/** Questions to the Hugging Face Hub. */
import type { z } from 'zod';
import { IdiolectError, reasonOf } from './errors.ts';

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * The answer at an address of the Hub's interface.
 *
 * @throws IdiolectError DATA where the Hub cannot be reached, says no (its Response is the cause) or answers with
 *   something else; INTERRUPTED by the signal
 */
export async function askHub<S extends z.ZodType>(
  url: string,
  schema: S,
  { headers, signal }: AskOptions = {},
): Promise<z.infer<S>> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { headers, signal });
    if (response.ok) body = await response.json().catch(undefinedWhereMalformed);
  } catch (error) {
    if (signal?.aborted) throw new IdiolectError('INTERRUPTED', `stopped while asking ${url}.`);
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

/** The schema tells of what is no JSON; a connection that breaks meanwhile is another matter. */
function undefinedWhereMalformed(error: unknown): undefined {
  if (!(error instanceof SyntaxError)) throw error;
}
