import { setTimeout as delay } from 'node:timers/promises';
import { externalError } from '../core/errors.ts';
import { errnoOf, readIfExists } from '../system/files.ts';
import { spawnDaemon } from '../system/process.ts';
import { SupervisorClient } from './client.ts';

const patienceMs = 20_000;
const pollMs = 25;

/**
 * The supervisor mostly waits: a small heap and no optimizing compilers save a fifth of its memory (59 instead of 72 MB
 * with eight services) for a few milliseconds of CPU a minute.
 */
const nodeOptions = [
  '--max-semi-space-size=1',
  '--max-old-space-size=96',
  '--optimize-for-size',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--disable-warning=ExperimentalWarning',
];

export interface LaunchRequest {
  /** The daemon's entry file, and what it gets as arguments. */
  entry: string;
  args: readonly string[];
  socketPath: string;
  /** Takes what the daemon says before it has a log; overwritten at each launch. */
  outputPath: string;
  signal: AbortSignal;
}

/**
 * Starts a supervisor that outlives this process and waits until it answers.
 * @throws LambdaError SUPERVISOR_FAILED with its last words
 */
export async function launchSupervisor(request: LaunchRequest): Promise<SupervisorClient> {
  const { entry, args, socketPath, outputPath, signal } = request;
  const { exited } = await spawnDaemon(process.execPath, [...nodeOptions, entry, ...args], outputPath);
  let over = false;
  exited.then(
    ({ code }) => {
      // 0: another one was there already, and is about to answer.
      over = code !== 0;
    },
    () => {},
  );
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    signal.throwIfAborted();
    const client = await tryConnect(socketPath);
    if (client !== null) return client;
    if (over) break;
    await delay(pollMs);
  }
  const words = ((await readIfExists(outputPath)) ?? '').trim().split('\n').slice(-15).join('\n');
  throw externalError(`The supervisor did not start${over ? '' : ` within ${patienceMs / 1000} s`}.\n${words}`, {
    code: 'SUPERVISOR_FAILED',
    actions: [`Read ${outputPath}.`],
  });
}

/** A client, or null when nobody listens on the socket. */
export async function tryConnect(socketPath: string): Promise<SupervisorClient | null> {
  try {
    return await SupervisorClient.connect(socketPath);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'SUPERVISOR_GONE' || code === 'ECONNRESET')
      return null;
    throw error;
  }
}
