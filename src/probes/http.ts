import { externalError, LambdaError, messageOf } from '../core/errors.ts';
import { persistently } from './resilience.ts';

export interface HttpAnswer {
  status: number;
  /** Parsed where it is JSON, else text. */
  body: unknown;
}

/** Answers of a server that may answer otherwise a moment later. */
const busyStatuses = new Set([429, 502, 503, 504]);

/**
 * One JSON request. Writes that may be made twice are retried, and have a circuit breaker (resilience.ts): PUT and DELETE by what
 * HTTP says of them, POST where `repeatable` says so. A GET is not: who asks wants to know.
 * @param product shown in the error
 * @param repeatable whether the same POST twice does no harm
 * @throws LambdaError SERVICE_UNREACHABLE when nothing answers; every HTTP status is an answer
 */
export async function requestJson(
  product: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  body?: unknown,
  repeatable = method === 'PUT' || method === 'DELETE',
): Promise<HttpAnswer> {
  if (!repeatable) return requestOnce(product, method, url, body);
  try {
    return await persistently(`${product} at ${new URL(url).origin}`, async () => {
      const answer = await requestOnce(product, method, url, body);
      if (busyStatuses.has(answer.status)) throw new BusyServer(answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof BusyServer) return error.answer;
    throw error;
  }
}

/** An answer on its way through the retries; the last one is handed to the caller as it is. */
class BusyServer extends LambdaError {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`answers ${answer.status}`, { code: 'SERVICE_UNREACHABLE', category: 'external', retryable: true });
    this.answer = answer;
  }
}

async function requestOnce(product: string, method: string, url: string, body: unknown): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw externalError(`${product} at ${new URL(url).origin} does not answer: ${messageOf(cause)}`, {
      code: 'SERVICE_UNREACHABLE',
      actions: ['lambdactl health'],
      retryable: true,
      cause: error,
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
