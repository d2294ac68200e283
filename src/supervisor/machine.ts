import type { ServiceState } from '../core/service-spec.ts';

/** What can happen to a service. */
export type ServiceEvent =
  | 'start'
  | 'stop'
  | 'prepared'
  | 'prepareFailed'
  | 'spawnFailed'
  | 'exited'
  | 'startTimedOut'
  | 'probeOk'
  /** As many probes failed in a row as make a service unhealthy. */
  | 'probeLost'
  | 'unhealthyTooLong'
  | 'backoffElapsed'
  /** Nothing of the process tree is left. */
  | 'gone';

/** The whole life of a service. What is not in the table does not happen: the event is ignored. */
const table: Record<ServiceState, Partial<Record<ServiceEvent, ServiceState>>> = {
  pending: { start: 'preparing', stop: 'stopped' },
  preparing: { prepared: 'starting', prepareFailed: 'failed', stop: 'stopping' },
  starting: {
    probeOk: 'healthy',
    exited: 'backoff',
    startTimedOut: 'backoff',
    spawnFailed: 'failed',
    stop: 'stopping',
  },
  healthy: { probeLost: 'unhealthy', exited: 'backoff', stop: 'stopping' },
  unhealthy: { probeOk: 'healthy', exited: 'backoff', unhealthyTooLong: 'backoff', stop: 'stopping' },
  backoff: { backoffElapsed: 'starting', stop: 'stopping' },
  stopping: { gone: 'stopped' },
  stopped: { start: 'preparing' },
  failed: { start: 'preparing', stop: 'stopped' },
};

/** The state after the event; the same state when the event means nothing there. */
export function next(state: ServiceState, event: ServiceEvent): ServiceState {
  return table[state][event] ?? state;
}

/** Whether processes of the service may exist in this state. */
export function isActive(state: ServiceState): boolean {
  return state !== 'pending' && state !== 'stopped' && state !== 'failed';
}

/** Milliseconds to wait before the next start after `crashes` in a row: base × 2^(n-1), at most `max`. */
export function backoffMs(crashes: number, base: number, max: number): number {
  return Math.min(max, base * 2 ** Math.max(0, Math.min(crashes, 30) - 1));
}
