import { open, stat } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DownloadRequest {
  url: string;
  headers?: Readonly<Record<string, string>>;
  /** Grows while bytes arrive; what an earlier attempt or process left there is continued by a Range request. */
  part: string;
  /** The size the file must have in the end. */
  bytes: number;
  /** Bytes on disk so far, from the beginning of the file. */
  onProgress?: (done: number) => void;
  signal: AbortSignal;
  /** Attempts without any progress between them. Default 5. */
  attempts?: number;
  /** First pause between attempts, doubled each time. Default 400 ms. */
  backOffMs?: number;
  /** A connection that delivers nothing for so long is given up. Default 30 s. */
  stallMs?: number;
}

/** The server answered with something that no retry will change. */
export class HttpStatusError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`the server answered ${status}`);
    this.name = 'HttpStatusError';
    this.status = status;
  }
}

/** Longest list of checksums that is read, bytes. */
const maxText = 1 << 20;

/** Bytes that `url` has, told without fetching it. @throws HttpStatusError, network errors */
export async function sizeOfDownload(url: string, signal: AbortSignal): Promise<number> {
  useEnvironmentProxy();
  const answer = await fetch(url, { method: 'HEAD', signal, headers: { 'accept-encoding': 'identity' } });
  await answer.body?.cancel();
  if (!answer.ok) throw new HttpStatusError(answer.status);
  const bytes = Number(answer.headers.get('content-length') ?? Number.NaN);
  if (!Number.isInteger(bytes) || bytes <= 0) throw new Error('the server does not tell the size');
  return bytes;
}

/** A small text, whole. @throws HttpStatusError, network errors */
export async function textOfDownload(url: string, signal: AbortSignal): Promise<string> {
  useEnvironmentProxy();
  const answer = await fetch(url, { signal });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new HttpStatusError(answer.status);
  }
  const text = await answer.text();
  if (text.length > maxText) throw new Error('the answer is far too long');
  return text;
}

const isTemporary = (status: number) => status === 408 || status === 425 || status === 429 || status >= 500;

/**
 * Fetches `url` into `part`, which then has exactly `bytes` bytes; its content is for the caller to verify.
 * @throws HttpStatusError on a lasting refusal, the last network error when attempts are used up, the signal's reason.
 */
export async function download(request: DownloadRequest): Promise<void> {
  useEnvironmentProxy();
  const limit = request.attempts ?? 5;
  let failures = 0;
  let before = await sizeOf(request.part);
  while (true) {
    try {
      await transfer(request);
      return;
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof HttpStatusError && !isTemporary(error.status)) throw error;
      const now = await sizeOf(request.part);
      failures = now > before ? 1 : failures + 1;
      before = now;
      if (failures >= limit || isLocal(error)) throw error;
      const pause = (request.backOffMs ?? 400) * 2 ** (failures - 1);
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal: request.signal });
    }
  }
}

/** One request: from where the part file ends to the end. */
async function transfer(request: DownloadRequest): Promise<void> {
  let have = await sizeOf(request.part);
  if (have === request.bytes) return;
  if (have > request.bytes) have = 0;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error('no data arrived for too long')), request.stallMs ?? 30_000);
  try {
    const response = await fetch(request.url, {
      signal: AbortSignal.any([request.signal, stall.signal]),
      headers: {
        ...request.headers,
        // A server that compresses a .tar.gz once more would have it unpacked by fetch, and the size would not fit.
        'accept-encoding': 'identity',
        ...(have > 0 ? { range: `bytes=${have}-` } : {}),
      },
    });
    if (response.status === 416) have = 0;
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      if (response.status === 416) await truncate(request.part);
      throw response.status === 416
        ? new Error('the server refused to continue')
        : new HttpStatusError(response.status);
    }
    const continues = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${have}-`);
    await append(request, response.body, continues === true ? have : 0, () => timer.refresh());
  } finally {
    clearTimeout(timer);
  }
}

async function append(request: DownloadRequest, body: AsyncIterable<Uint8Array>, from: number, alive: () => void) {
  const file = await open(request.part, from > 0 ? 'r+' : 'w');
  try {
    let at = from;
    for await (const chunk of body) {
      alive();
      if (at + chunk.length > request.bytes) {
        await file.truncate(0);
        throw new Error(`more than the expected ${request.bytes} bytes arrived`);
      }
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      request.onProgress?.(at);
    }
    if (at < request.bytes) throw new Error(`cut off after ${at} of ${request.bytes} bytes`);
  } finally {
    await file.close();
  }
}

async function truncate(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.close();
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** ENOSPC and the like come from the part file: waiting does not help. */
function isLocal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return ['ENOSPC', 'EDQUOT', 'EACCES', 'EROFS', 'EPERM', 'ENOENT', 'ENOTDIR', 'EFBIG', 'EIO'].includes(code);
}

let proxyLooked = false;
/** fetch honours HTTPS_PROXY only where NODE_USE_ENV_PROXY was set before the start; every other tool of the user does at once. */
export function useEnvironmentProxy(): void {
  if (proxyLooked) return;
  proxyLooked = true;
  const wanted = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name]);
  if (wanted && process.env.NODE_USE_ENV_PROXY === undefined) http.setGlobalProxyFromEnv?.();
}
