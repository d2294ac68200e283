import { describe, expect, it } from 'vitest';
import type { ServiceState } from '../core/service-spec.ts';
import { backoffMs, isActive, next, type ServiceEvent } from './machine.ts';

const states: ServiceState[] = [
  'pending',
  'preparing',
  'starting',
  'healthy',
  'unhealthy',
  'backoff',
  'stopping',
  'stopped',
  'failed',
];
const events: ServiceEvent[] = [
  'start',
  'stop',
  'prepared',
  'prepareFailed',
  'spawnFailed',
  'exited',
  'startTimedOut',
  'probeOk',
  'probeLost',
  'unhealthyTooLong',
  'backoffElapsed',
  'gone',
];
const run = (from: ServiceState, ...path: ServiceEvent[]) => path.reduce(next, from);

describe('next', () => {
  it('goes the usual way up and down', () => {
    expect(run('pending', 'start', 'prepared', 'probeOk')).toBe('healthy');
    expect(run('healthy', 'stop', 'gone')).toBe('stopped');
    expect(run('stopped', 'start', 'prepared')).toBe('starting');
  });

  it('comes back from a crash, a missed start and a lost probe', () => {
    for (const state of ['starting', 'healthy', 'unhealthy'] as const) {
      expect(run(state, 'exited', 'backoffElapsed', 'probeOk')).toBe('healthy');
    }
    expect(next('starting', 'startTimedOut')).toBe('backoff');
    expect(run('healthy', 'probeLost', 'probeOk')).toBe('healthy');
    expect(run('healthy', 'probeLost', 'unhealthyTooLong')).toBe('backoff');
  });

  it('ignores what does not belong to the state', () => {
    expect(next('starting', 'probeLost')).toBe('starting');
    expect(next('stopping', 'exited')).toBe('stopping');
    expect(next('stopping', 'probeOk')).toBe('stopping');
    expect(next('stopped', 'exited')).toBe('stopped');
    expect(next('backoff', 'probeOk')).toBe('backoff');
    expect(next('healthy', 'start')).toBe('healthy');
    expect(next('healthy', 'startTimedOut')).toBe('healthy');
  });

  it('lets every state be stopped, and leaves no state without a way out but the stopped', () => {
    for (const state of states) {
      expect(isActive(run(state, 'stop', 'gone'))).toBe(false);
      expect(events.some((event) => next(state, event) !== state)).toBe(true);
    }
  });
});

describe('backoffMs', () => {
  it('doubles from one second to half a minute', () => {
    expect([1, 2, 3, 5, 6, 7, 1000].map((crashes) => backoffMs(crashes, 1000, 30_000))).toEqual([
      1000, 2000, 4000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });
});
