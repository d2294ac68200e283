import { join } from 'node:path';
import pLimit from 'p-limit';
import { messageOf } from '../core/errors.ts';
import type { OperationContext } from '../core/events.ts';
import { download, HttpStatusError } from '../system/download.ts';
import { errnoOf, fileSize, type HashAlgorithm, hashFile, move, removeTree } from '../system/store-files.ts';
import { corrupt, unreachable } from './errors.ts';

export interface Expected {
  algorithm: HashAlgorithm;
  /** Hex. */
  digest: string;
  bytes: number;
}

export interface FetchJob {
  artifact: string;
  /** Name in messages and of the file in `directory`. */
  file: string;
  directory: string;
  url: string;
  headers?: Readonly<Record<string, string>>;
  expected: Expected;
  /** Bytes of this file that are there. */
  onProgress: (done: number) => void;
}

export interface Fetcher {
  /** Absolute path of the verified file. */
  fetch(job: FetchJob): Promise<string>;
}

/** Downloads of all artifacts share one bounded queue; callers ask for the biggest files first. */
export function createFetcher(context: OperationContext, parallel = 6): Fetcher {
  const limit = pLimit(parallel);
  return { fetch: (job) => limit(() => fetchVerified(job, context)) };
}

/** Whether the file is the expected one, told cheaply first; one that cannot be read is not. */
export async function isExpected(path: string, { bytes, algorithm, digest }: Expected): Promise<boolean> {
  if ((await fileSize(path)) !== bytes) return false;
  return (await hashFile(path, algorithm).catch(() => '')) === digest;
}

async function fetchVerified(job: FetchJob, context: OperationContext): Promise<string> {
  const target = join(job.directory, job.file);
  // Left by an earlier run that was interrupted.
  if (await isExpected(target, job.expected)) {
    job.onProgress(job.expected.bytes);
    return target;
  }
  const part = `${target}.part`;
  for (let attempt = 1; ; attempt++) {
    await transfer(job, part, context.signal);
    if (await isExpected(part, job.expected)) {
      await move(part, target);
      return target;
    }
    const digest = await hashFile(part, job.expected.algorithm);
    await removeTree(part);
    job.onProgress(0);
    const reason = `${job.expected.algorithm} is ${digest.slice(0, 12)}…, locked is ${job.expected.digest.slice(0, 12)}…`;
    if (attempt > 1) throw corrupt(job.artifact, job.file, originOf(job.url), reason);
    context.emit({
      type: 'warning',
      message: `${job.file} of ${job.artifact} arrived damaged (${reason}); fetching it again.`,
    });
  }
}

async function transfer(job: FetchJob, part: string, signal: AbortSignal): Promise<void> {
  const { url, headers = {}, onProgress } = job;
  try {
    await download({ url, headers, part, bytes: job.expected.bytes, onProgress, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (errnoOf(error) !== '' && errnoOf(error) !== 'UND_ERR_SOCKET') throw error;
    const cause =
      error instanceof Error && error.cause !== undefined
        ? `${messageOf(error)}: ${messageOf(error.cause)}`
        : messageOf(error);
    const reason = error instanceof HttpStatusError && error.status === 404 ? 'it is not there (404)' : cause;
    throw unreachable(job.artifact, job.file, originOf(url), reason, error);
  }
}

/** Host of an address: neither path nor a token in the query belongs into a message. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
