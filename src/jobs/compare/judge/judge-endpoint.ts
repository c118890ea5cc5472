/**
 * Chat completions of an OpenAI-compatible server. Each is kept on disk by its request, so that nothing is asked twice.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { type ErrorCode, IdiolectError, reasonOf } from '../../../common/errors.ts';
import { appendText, makeFolder, sha256 } from '../../../common/files.ts';
import { readKeptLines } from '../../../common/own-file.ts';
import { type Patience, request as requestFrom, TooLarge, TooSlow } from '../../../common/request.ts';
import { stopIfAsked } from '../../../common/stop.ts';
import { setting } from '../../../common/wording.ts';

export interface ChatOptions {
  /**
   * The folder of judge.jsonl, which holds one line per answer, keyed by the hash of the server's address and the
   * request.
   */
  readonly folder: string;
  readonly fetch: typeof fetch;
  /** Waits before the next try; may reject when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Sent as a bearer token; never written to disk. */
  readonly key?: string;
  readonly signal?: AbortSignal;
  readonly patience?: Patience;
  readonly onProgress?: (done: number, total: number) => void;
}

const AT_ONCE = 4;

/** A server on a small machine may think for minutes before its first word; some send spaces meanwhile. */
const PATIENCE: Patience = { answer: 240_000, span: 240_000, bytes: 10_000 };
/** The most bytes to read of an answer: a model that thinks aloud writes thousands, not millions. */
const LONGEST_ANSWER = 4 * 2 ** 20;

/** Requests of one question before giving up, with 1, 2, 4 and 8 seconds between them. */
const TRIES = 5;
const FIRST_WAIT = 1000;
/** The longest wait, even if the server asks for more. */
const LONGEST_WAIT = 60_000;

/**
 * Sends the requests that have no kept answer, four at a time.
 *
 * @param url base URL of the server: `http://localhost:8000/v1`
 * @param requests bodies of chat completions
 * @param isAnswer whether a text is a valid answer; a kept text that is not is asked for again
 * @returns the answer to each request, by the request; empty where the model said nothing
 * @throws IdiolectError CONFIG where the server refuses the key; DATA where it cannot be reached, refuses or answers
 *   with something else; INTERRUPTED by the signal. Answers received so far are kept in all cases.
 */
export async function askAll(
  url: string,
  requests: readonly string[],
  isAnswer: (content: string) => boolean,
  { folder, signal, onProgress, ...options }: ChatOptions,
): Promise<(request: string) => string> {
  await makeFolder(folder);
  const file = join(folder, 'judge.jsonl');
  const answers = await readAnswers(file, isAnswer);
  const address = `${url.replace(/\/+$/, '')}/chat/completions`;
  const keyOf = (request: string) => sha256(`${address}\n${request}`);
  const open = [...new Map(requests.map(request => [keyOf(request), request]))].filter(([key]) => !answers.has(key));
  const failed = new AbortController();
  const either = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
  let failure: unknown;
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < open.length) {
      const [key, request] = open[next++]!;
      const content = await ask(address, request, { ...options, signal: either });
      // Starts with a line break, as an earlier writer may have been stopped inside a line.
      await appendText(file, `\n${JSON.stringify({ key, content })}`);
      answers.set(key, content);
      onProgress?.(++done, open.length);
    }
  };
  const workers = Array.from({ length: AT_ONCE }, () =>
    work().catch(error => {
      failure ??= error;
      failed.abort();
    }),
  );
  await Promise.all(workers);
  if (failure !== undefined) throw failure;
  return request => answers.get(keyOf(request))!;
}

const lineSchema = z.object({ key: z.string(), content: z.string() });

/** The kept answers by key; that of a damaged line is asked for again. */
async function readAnswers(file: string, isAnswer: (content: string) => boolean): Promise<Map<string, string>> {
  const lines = await readKeptLines(file, lineSchema);
  return new Map(lines.filter(({ content }) => isAnswer(content)).map(({ key, content }) => [key, content]));
}

interface Failure {
  readonly code: ErrorCode;
  readonly sentence: string;
  /** Whether trying again is pointless. */
  readonly isFinal: boolean;
  /** Milliseconds that the server asks for. */
  readonly wait?: number;
  readonly cause?: unknown;
}

type AskOptions = Pick<ChatOptions, 'fetch' | 'sleep' | 'key' | 'patience'> & { readonly signal: AbortSignal };

async function ask(address: string, request: string, options: AskOptions): Promise<string> {
  const { signal, sleep } = options;
  for (let attempt = 1; ; attempt++) {
    const reply = await send(address, request, options);
    if (typeof reply === 'string') return reply;
    stopIfAsked(signal, 'the answers so far are kept, and the same command continues from there');
    if (reply.isFinal || attempt === TRIES) {
      throw new IdiolectError(reply.code, `${address} ${reply.sentence}`, { cause: reply.cause });
    }
    const wait = Math.max(FIRST_WAIT * 2 ** (attempt - 1), reply.wait ?? 0);
    await sleep(Math.min(wait, LONGEST_WAIT), signal).catch(() => {});
  }
}

/** The part of a server's answer that is read; `content` is null where a model refuses or has only thought. */
const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
});

async function send(address: string, body: string, options: AskOptions): Promise<string | Failure> {
  const { fetch, key, signal, patience = PATIENCE } = options;
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  let response: Response;
  let text: string;
  try {
    // Redirects are not followed: texts and key go only to the server that the user named.
    const init = { method: 'POST', headers, body, redirect: 'manual' } as const;
    const answer = await requestFrom(address, { ...init, signal, patience, fetch });
    response = answer.response;
    text = await answer.text(LONGEST_ANSWER);
  } catch (error) {
    if (error instanceof TooSlow || error instanceof TooLarge) {
      const sentence = `${error.message}; what was answered is kept. Check the server, then run the same command again.`;
      return { code: 'DATA', sentence, isFinal: true, cause: error };
    }
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    // Where several addresses of a host all refuse, there is only a code to report.
    const reason = reasonOf(cause) || (cause as NodeJS.ErrnoException).code;
    const sentence = `cannot be reached (${reason}); start the server or correct ${setting('judgeUrl')}.`;
    return { code: 'DATA', sentence, isFinal: false, cause: error };
  }
  const { status } = response;
  if (status === 401 || status === 403) {
    const what = key === undefined ? 'wants a key' : 'refuses the key';
    const sentence = `${what} (${status}); set the environment variable OPENAI_API_KEY to a key of that server.`;
    return { code: 'CONFIG', sentence, isFinal: true };
  }
  if (status === 429 || status >= 500) {
    const sentence = `answers ${status} after ${TRIES} tries${said(text)}; what was answered is kept, run the same command again later.`;
    const wait = 1000 * Number(response.headers.get('retry-after'));
    return { code: 'DATA', sentence, isFinal: false, ...(wait > 0 && { wait }) };
  }
  if (!response.ok) {
    const needs = 'it must take temperature, seed and a JSON schema as response_format';
    const sentence = `answers ${status}${said(text)}; check ${setting('judgeUrl')} and ${setting('judgeModel')} (${needs}).`;
    return { code: 'DATA', sentence, isFinal: true };
  }
  const parsed = completionSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data.choices[0]!.message.content ?? '';
  const sentence = `does not answer with a chat completion${said(text)}; ${setting('judgeUrl')} must be the base URL of an OpenAI-compatible server, which usually ends in /v1.`;
  return { code: 'DATA', sentence, isFinal: true };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** The server's own error message on one line, where it gives one. */
function said(text: string): string {
  const parsed = errorSchema.safeParse(jsonOf(text));
  return parsed.success ? ` ("${parsed.data.error.message.replaceAll(/\s+/g, ' ').slice(0, 200)}")` : '';
}
