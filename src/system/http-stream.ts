import { Agent, request as plainRequest } from 'node:http';
import { type RequestOptions, request as secureRequest } from 'node:https';
import type { Readable } from 'node:stream';

/** Of node:https: headers, agent, certificates. */
export type HttpOptions = RequestOptions;

export interface HttpStreamRequest {
  url: string;
  method: string;
  options: HttpOptions;
  body: string | null;
  signal: AbortSignal;
}

export interface HttpStream {
  status: number;
  /** To be read to its end or destroyed. */
  body: Readable;
}

/** Sends a request and returns as soon as the head of the answer is there. @throws Error with errno code, or the signal's reason */
export function openHttp({ url, method, options, body, signal }: HttpStreamRequest): Promise<HttpStream> {
  return new Promise((settle, fail) => {
    const open = url.startsWith('https:') ? secureRequest : plainRequest;
    // A handshake for each of hundreds of requests would be most of their time; idle connections keep no process alive.
    if (options.agent instanceof Agent) Object.assign(options.agent, { keepAlive: true });
    // Of DELETE, among others, Node would send a body without saying that there is one.
    const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) };
    const headers = { ...options.headers, ...length };
    const sent = open(url, { ...options, method, signal, headers }, (answer) => {
      // Who reads the body meets the error there; who does not must not be ended by it.
      answer.on('error', () => {});
      settle({ status: answer.statusCode ?? 0, body: answer });
    });
    sent.on('error', (error) => fail(signal.aborted ? signal.reason : error));
    sent.end(body ?? undefined);
  });
}

/** The whole body as text. @throws Error when it ends early */
export async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
