import { request } from 'node:http';

export interface HttpAnswer {
  status: number;
  body: string;
}

/** More than any probe needs; the rest of an answer is not read. */
const maxBody = 65_536;

/**
 * GET on a connection of its own, by node:http: the built-in `fetch` costs a long-lived process 20 MB of memory.
 * @throws Error with errno code, or the signal's reason
 */
export function getHttp(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((settle, fail) => {
    const sent = request(url, { headers, signal, agent: false }, (answer) => {
      const status = answer.statusCode ?? 0;
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > maxBody) answer.destroy();
      });
      answer.on('close', () => settle({ status, body: body.slice(0, maxBody) }));
      answer.on('error', () => settle({ status, body }));
    });
    sent.on('error', fail);
    sent.end();
  });
}
