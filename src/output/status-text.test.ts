import { expect, it } from 'vitest';
import { statusText } from './status-text.ts';

it('shows only circuits that are not closed', () => {
  const component = {
    name: 'spark',
    component: 'spark',
    state: 'healthy',
    detail: '',
    pid: 1,
    pssBytes: 1,
    memoryBudgetBytes: 1,
  };
  const more = { cpuPercent: 1, cpuSeconds: 1, startedAt: null, restarts: 0, endpoints: [] };
  const report = {
    stack: 's',
    home: '/h',
    runtime: 'embedded',
    context: null,
    profile: 'lite',
    up: true,
    supervisor: null,
    components: [{ ...component, ...more }],
    totals: { pssBytes: 1, cpuPercent: 1 },
  };
  const write = {
    from: 'spark',
    failures: 4,
    since: '2026-01-01T00:00:00Z',
    lastFailureAt: null,
    lastError: 'refused',
  };
  const closed = { ...write, to: 'kafka', state: 'closed' as const };
  const now = Date.parse('2026-01-01T00:00:30Z');
  expect(statusText({ ...report, writes: [closed] }, now)).not.toContain('CIRCUIT');
  const text = statusText({ ...report, writes: [closed, { ...write, to: 'clickhouse', state: 'open' }] }, now);
  expect(text).toMatch(/spark → clickhouse\s+open\s+30\.0 s\s+4\s+refused/);
  expect(text).not.toContain('spark → kafka');
});

it('tells a stack of a cluster that is out of sight from one that never was', () => {
  const totals = { pssBytes: 0, cpuPercent: 0 };
  const nothing = { stack: 's', home: '/h', up: false, supervisor: null, components: [], totals, writes: [] };
  const gone = { ...nothing, runtime: 'kubernetes', context: 'kind-s', profile: 'lite' };
  expect(statusText(gone)).toMatch(/no context kind-s[\s\S]*KUBECONFIG/);
  expect(statusText({ ...nothing, runtime: 'embedded', context: null, profile: null })).toContain('never up');
});
