import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { importErrorLine, located } from '../../probes/airflow/import-errors.ts';
import { newDag } from './new.ts';
import { logicalDateOf, parseConf, tickAfter } from './trigger.ts';

const noon = Date.parse('2026-11-21T12:00:00Z');

it('runs a day at the tick at which the scheduler would, so that a day has one run', () => {
  expect(tickAfter('2026-11-20', '0 2 * * *')).toBe('2026-11-21T02:00:00Z');
  expect(tickAfter('2026-02-28', '30 13 * * *')).toBe('2026-03-01T13:30:00Z');
  expect(tickAfter('2026-12-31', '*/10 * * * *')).toBe('2027-01-01T00:00:00Z');
  expect(tickAfter('2026-12-31', null)).toBe('2027-01-01T00:00:00Z');
  const daily = { timetable_summary: '0 2 * * *' };
  expect(logicalDateOf(daily, '2026-11-20', noon)).toBe('2026-11-21T02:00:00Z');
});

it('leaves a tick that is still to come to the scheduler', () => {
  expect(logicalDateOf({ timetable_summary: '0 2 * * *' }, '2026-11-21', noon)).toBe('2026-11-21T12:00:00.000Z');
  expect(logicalDateOf({ timetable_summary: '0 2 * * *' }, undefined, noon)).toBe('2026-11-21T12:00:00.000Z');
});

it('reads parameters as JSON where they are, as text elsewhere', () => {
  expect(parseConf(['a=1', 'b=x=y', 'c=true', 'd={"e":[1]}', 'f='])).toEqual({
    a: 1,
    b: 'x=y',
    c: true,
    d: { e: [1] },
    f: '',
  });
  expect(() => parseConf(['a'])).toThrow(expect.objectContaining({ code: 'BAD_CONF' }));
});

const importError = (filename: string, stack_trace: string) => ({
  import_error_id: 1,
  timestamp: '2026-11-21T12:00:00Z',
  bundle_name: 'platform',
  filename,
  stack_trace,
});

it('finds the line of the DAG file in a trace, not one of a library', () => {
  const trace = [
    'Traceback (most recent call last):',
    '  File "/x/bundles/platform/tracking_repo/dags/report.py", line 12, in <module>',
    '    build()',
    '  File "/site-packages/airflow/sdk/dag.py", line 99, in build',
    'ValueError: no such thing',
  ].join('\n');
  expect(importErrorLine(located(importError('report.py', trace)))).toBe(
    'dags/report.py:12: ValueError: no such thing',
  );
  const syntax = '  File "/x/dags/report.py", line 3\n    def (\n        ^\nSyntaxError: invalid syntax\n';
  expect(located(importError('report.py', syntax))).toMatchObject({ line: 3, message: 'SyntaxError: invalid syntax' });
  expect(importErrorLine(located(importError('a.py', 'DAG import timeout for a.py')))).toBe(
    'dags/a.py: DAG import timeout for a.py',
  );
});

it('writes a DAG of the given name, and never over another', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'new-dag-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, 'dags'));
  const { path } = await newDag('daily_report', directory);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('dag_id="daily_report"');
  expect(text).not.toContain('NEW_DAG');
  await expect(newDag('daily_report', directory)).rejects.toMatchObject({ code: 'DAG_EXISTS' });
  await expect(newDag('Daily-Report', directory)).rejects.toMatchObject({ code: 'BAD_DAG_NAME' });
});
