import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  noJitterGenerator,
  retry,
  wrap,
} from 'cockatiel';
import { LambdaError } from '../core/errors.ts';

/** Attempts after the first; the pauses before them are 250, 500 and 1000 ms. */
const retries = 3;
const firstPauseMs = 250;
/** An open circuit lets one attempt through after this. */
const openMs = 10_000;

/** What networks say when the other side is away, or goes away in the middle. */
const transientCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // As undici says it: the other side closed the connection, or never took it.
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether the same again may succeed: errors that say so of themselves, and those of the network. */
export function isTransient(error: unknown): boolean {
  if (error instanceof LambdaError) return error.retryable;
  if (!(error instanceof Error)) return false;
  if ('code' in error && transientCodes.has(String(error.code))) return true;
  return error.cause !== undefined && isTransient(error.cause);
}

const breakers = new Map<string, { breaker: CircuitBreakerPolicy; last: unknown }>();

/**
 * Writes to another component: three retries with exponential pauses where the error is transient, then the circuit of that
 * component opens and for ten seconds every write to it fails at once with the last error.
 *
 * Only for writes that may be made twice: one whose answer never came may have been made (docs/dlq.md says of each why it may).
 * @param target whose circuit it is, e.g. "warehouse http://127.0.0.1:8085"
 * @throws whatever `work` throws last
 */
export async function persistently<T>(target: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const circuit = circuitOf(target);
  const again = retry(handleWhen(isTransient), {
    maxAttempts: retries,
    backoff: new ExponentialBackoff({ initialDelay: firstPauseMs, generator: noJitterGenerator }),
  });
  try {
    return await wrap(again, circuit.breaker).execute(async () => {
      signal?.throwIfAborted();
      return work();
    }, signal);
  } catch (error) {
    if (error instanceof BrokenCircuitError && circuit.last !== undefined) throw circuit.last;
    signal?.throwIfAborted();
    throw error;
  }
}

function circuitOf(target: string): { breaker: CircuitBreakerPolicy; last: unknown } {
  const present = breakers.get(target);
  if (present !== undefined) return present;
  const breaker = circuitBreaker(handleWhen(isTransient), {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(retries + 1),
  });
  const circuit: { breaker: CircuitBreakerPolicy; last: unknown } = { breaker, last: undefined };
  breaker.onFailure(({ reason }) => {
    circuit.last = 'error' in reason ? reason.error : undefined;
  });
  breakers.set(target, circuit);
  return circuit;
}
