import { AwsClient } from 'aws4fetch';
import { externalError, messageOf } from '../core/errors.ts';
import { persistently } from './resilience.ts';
import type { Server } from './server.ts';

/** Creates the bucket unless it is there; may be repeated. @returns whether it was created @throws LambdaError S3_REFUSED, SERVICE_UNREACHABLE */
export function ensureBucket(server: Server, bucket: string): Promise<boolean> {
  return persistently(`object store at ${server.url}`, () => makeBucket(server, bucket));
}

async function makeBucket(server: Server, bucket: string): Promise<boolean> {
  const present = await answerTo(server, bucket, { method: 'HEAD' });
  if (present.ok) return false;
  const created = await answerTo(server, bucket, { method: 'PUT' });
  if (created.ok || created.status === 409) return created.ok;
  throw externalError(
    `The object store refused to create bucket ${bucket}: ${created.status} ${await created.text()}`,
    {
      code: 'S3_REFUSED',
      retryable: created.status >= 500,
      actions: ['lambdactl logs objectstore'],
    },
  );
}

/**
 * Writes, reads and deletes a small object of its own.
 * @returns found: false when there is no such bucket
 * @throws LambdaError SERVICE_UNREACHABLE; S3_REFUSED naming the step, e.g. when what is read is not what was written
 */
export async function tryObject(
  server: Server,
  bucket: string,
  signal: AbortSignal,
): Promise<{ found: boolean; elapsedMs: number }> {
  const started = performance.now();
  const path = `${bucket}/.lambdactl-probe-${process.pid}-${Date.now()}`;
  const text = new Date().toISOString();
  const put = await answerTo(server, path, { method: 'PUT', body: text, signal });
  if (put.status === 404) return { found: false, elapsedMs: performance.now() - started };
  if (!put.ok) throw refused('write', put.status, await put.text());
  const got = await answerTo(server, path, { signal });
  const read = await got.text();
  if (!got.ok) throw refused('read', got.status, read);
  if (read !== text) throw refused('read', got.status, `what came back is not what was written: ${read.slice(0, 100)}`);
  const deleted = await answerTo(server, path, { method: 'DELETE', signal });
  if (!deleted.ok) throw refused('delete', deleted.status, await deleted.text());
  return { found: true, elapsedMs: performance.now() - started };
}

/** Text of an object, null when there is none. @throws LambdaError S3_REFUSED */
export async function readObject(server: Server, path: string, signal: AbortSignal): Promise<string | null> {
  const answer = await answerTo(server, path, { signal });
  if (answer.status === 404) return null;
  const text = await answer.text();
  if (!answer.ok) throw refused('read', answer.status, text);
  return text;
}

/** One request. @throws LambdaError SERVICE_UNREACHABLE when nothing answers; every HTTP status is an answer */
async function answerTo(server: Server, path: string, request: RequestInit): Promise<Response> {
  try {
    return await clientOf(server).fetch(addressOf(server, path), request);
  } catch (error) {
    request.signal?.throwIfAborted();
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw externalError(`The object store at ${server.url} does not answer: ${messageOf(cause)}`, {
      code: 'SERVICE_UNREACHABLE',
      actions: ['lambdactl health'],
      retryable: true,
      cause: error,
    });
  }
}

/** It does not retry: who wants that does it where the network's own errors are retried too. */
const clientOf = ({ user, password }: Server): AwsClient =>
  new AwsClient({
    accessKeyId: user ?? '',
    secretAccessKey: password ?? '',
    service: 's3',
    region: 'us-east-1',
    retries: 0,
  });

const addressOf = ({ url }: Server, path: string): string => `${url.replace(/\/$/, '')}/${path}`;

const refused = (step: string, status: number, text: string) =>
  externalError(`The object store did not ${step} an object: ${status} ${text.slice(0, 200)}`, {
    code: 'S3_REFUSED',
    actions: ['lambdactl logs objectstore'],
  });
