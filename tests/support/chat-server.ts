/** A server of chat completions that answers as a test says, and keeps what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly temperature: number;
    readonly seed: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
}

/** What is sent in place of a completion. */
export interface RawReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

export type Reply = string | RawReply;

export interface ChatServer {
  /** The base URL. */
  readonly address: string;
  readonly requests: ChatRequest[];
  /** The completion of a prompt, or another reply. */
  answer: (prompt: string) => Reply | Promise<Reply>;
  close(): Promise<void>;
}

export async function chatServer(answer: ChatServer['answer']): Promise<ChatServer> {
  const requests: ChatRequest[] = [];
  const server = createServer(async (request, response) => {
    const text = (await request.toArray()).join('');
    const body = JSON.parse(text) as ChatRequest['body'];
    requests.push({ path: request.url!, authorization: request.headers.authorization, body });
    const reply = await chat.answer(body.messages.at(-1)!.content);
    if (typeof reply === 'string') response.end(JSON.stringify({ choices: [{ message: { content: reply } }] }));
    else response.writeHead(reply.status, reply.headers).end(reply.text);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const chat: ChatServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    answer,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return chat;
}
