import { expect, it } from 'vitest';
import type { CheckReport, DoctorReport } from '../core/doctor-report.ts';
import { doctorJunit } from './doctor-junit.ts';
import { doctorText } from './doctor-text.ts';

const check = (given: Partial<CheckReport> & Pick<CheckReport, 'name' | 'area' | 'status'>): CheckReport => ({
  title: given.name,
  detail: `all about ${given.name}`,
  elapsedMs: 12,
  findings: [],
  ...given,
});
const report: DoctorReport = {
  stack: 'default',
  up: 'partly',
  profile: 'lite',
  startedAt: '2026-11-21T18:00:00.000Z',
  elapsedMs: 2345,
  ok: false,
  counts: { ok: 1, warning: 1, error: 1, skipped: 1, failed: 1 },
  checks: [
    check({ name: 'memory', area: 'host', status: 'ok', detail: '12 GiB of 24 GiB available' }),
    check({
      name: 'proxy',
      area: 'host',
      status: 'warning',
      findings: [
        { severity: 'warning', what: 'HTTP_PROXY is set', why: 'w '.repeat(80).trim(), fix: null, fixed: null },
      ],
    }),
    check({
      name: 'interrupted',
      area: 'components',
      status: 'error',
      findings: [
        {
          severity: 'error',
          what: '`lambdactl up` was <interrupted>',
          why: 'It may be half done.',
          fix: { command: 'lambdactl up', safe: true },
          fixed: null,
        },
      ],
    }),
    check({ name: 'consumer-lag', area: 'data', status: 'skipped', detail: 'kafka is not up' }),
    check({ name: 'ports', area: 'host', status: 'failed', detail: 'did not answer in 3.5 s' }),
  ],
};

it('tells findings first, the worst at the top, then a line of facts for each area', () => {
  const lines = doctorText(report, 80).split('\n');
  expect(lines[0]).toBe('Stack default is partly up, profile lite: 5 checks in 2.3 s');
  expect(lines[2]).toBe('error   interrupted: `lambdactl up` was <interrupted>');
  expect(lines[4]).toBe('        → lambdactl up');
  expect(lines.findIndex((line) => line.startsWith('warning proxy'))).toBeGreaterThan(4);
  expect(lines).toContain('failed  ports: could not look: did not answer in 3.5 s');
  expect(lines.find((line) => line.startsWith('host '))).toMatch(/1 ok, 1 warning, 1 failed +12 GiB of 24 GiB/);
  expect(lines.at(-1)).toBe('2 findings, 1 check could not look. `lambdactl doctor --fix` mends 1 of them.');
  for (const width of [80, 140]) {
    for (const line of doctorText(report, width).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  }
});

it('is a JUnit report of a suite an area and a case a check', () => {
  const xml = doctorJunit(report);
  expect(xml).toContain(
    '<testsuite name="host" timestamp="2026-11-21T18:00:00.000Z" tests="3" failures="1" errors="1"',
  );
  expect(xml).toContain('message="`lambdactl up` was &lt;interrupted&gt;"');
  expect(xml).toContain('<skipped message="kafka is not up"');
  expect(xml).toContain('→ lambdactl up');
});
