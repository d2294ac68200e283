import { externalError, messageOf } from '../core/errors.ts';

export interface HttpAnswer {
  status: number;
  /** Parsed where it is JSON, else text. */
  body: unknown;
}

/**
 * One JSON request.
 * @param product shown in the error
 * @throws LambdaError SERVICE_UNREACHABLE when nothing answers; every HTTP status is an answer
 */
export async function requestJson(
  product: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  body?: unknown,
): Promise<HttpAnswer> {
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
