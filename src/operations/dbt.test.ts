import { describe, expect, it } from 'vitest';
import { reportOf } from './dbt.ts';
import { DbtLog } from './dbt-log.ts';

const node = (id: string, status: string) => ({
  unique_id: id,
  resource_type: id.split('.')[0],
  node_name: id.split('.').at(-1),
  node_status: status,
});
const line = (name: string, data: Record<string, unknown>, msg = '', level = 'info') =>
  JSON.stringify({ info: { name, msg, level, invocation_id: 'i' }, data });

/** Lines as dbt 1.11 writes them, shortened. */
const lines = [
  line('MainReportVersion', { version: '=1.11.16' }, 'Running with dbt=1.11.16'),
  line('ConcurrencyLine', { node_count: 4, num_threads: 2 }, "Concurrency: 2 threads (target='embedded')"),
  line('LogStartLine', { node_info: node('model.lambda.daily_metrics', 'started') }, '1 of 4 START'),
  line(
    'LogModelResult',
    { execution_time: 0.5, status: '00000 1', node_info: node('model.lambda.daily_metrics', 'success') },
    '1 of 4 OK created \u001b[32mx\u001b[0m',
  ),
  line(
    'LogTestResult',
    { execution_time: 0.1, status: 'fail', num_failures: 3, node_info: node('test.lambda.rates', 'fail') },
    '2 of 4 FAIL 3 rates',
    'error',
  ),
  line(
    'LogModelResult',
    { execution_time: 0.2, status: 'ERROR', node_info: node('model.lambda.user_sessions', 'error') },
    '3 of 4 ERROR',
    'error',
  ),
  line('SkippingDetails', { status: 'skip', node_info: node('model.lambda.tier_behavior', 'skipped') }, '4 of 4 SKIP'),
  line('RunResultFailure', { node_info: node('test.lambda.rates', 'None') }, 'Failure in test rates', 'error'),
  line(
    'RunResultError',
    { msg: 'Got 3 results, configured to fail if != 0', node_info: node('test.lambda.rates', 'None') },
    '  Got 3 results',
    'error',
  ),
  line(
    'RunResultError',
    { msg: 'Database Error\n  no such table', node_info: node('model.lambda.user_sessions', 'None') },
    '  Database Error',
    'error',
  ),
];
const ended = (exitCode: number) => ({ exitCode, errorTail: '', elapsedMs: 1 });
const read = (texts: readonly string[]) => {
  const log = new DbtLog();
  return { log, messages: texts.map((text) => log.read(text)) };
};

describe('the log of a run', () => {
  it('becomes a report of its nodes with the reasons', () => {
    const { log } = read(lines);
    expect(log.total).toBe(4);
    const report = reportOf(log, ['build'], ended(1));
    expect(report).toMatchObject({ ok: false, counts: { success: 1, warn: 0, fail: 1, error: 1, skipped: 1 } });
    expect(report.nodes.map(({ name, status, failures, message }) => [name, status, failures, message])).toEqual([
      ['daily_metrics', 'success', null, null],
      ['rates', 'fail', 3, 'Got 3 results, configured to fail if != 0'],
      ['user_sessions', 'error', null, 'Database Error\n  no such table'],
      ['tier_behavior', 'skipped', null, null],
    ]);
  });

  it('is told in words without colours', () => {
    const { messages } = read(lines);
    expect(messages[3]).toEqual({ level: 'info', text: '1 of 4 OK created x', isOutput: false });
  });

  it('keeps apart what was asked for', () => {
    const { log } = read([line('PrintEvent', {}, 'lambda.marts.daily_metrics'), '{"cut off', '', 'Usage: dbt']);
    expect(log.output).toEqual(['lambda.marts.daily_metrics', '{"cut off', 'Usage: dbt']);
    expect(reportOf(log, ['ls'], ended(0))).toMatchObject({ ok: true, nodes: [] });
  });
});

describe('a run that came to nothing', () => {
  it('fails with dbt’s own words', () => {
    const { log } = read([line('MainEncounteredError', {}, 'Compilation Error in model x', 'error')]);
    expect(() => reportOf(log, ['build'], ended(2))).toThrowError(
      expect.objectContaining({ code: 'DBT_FAILED', message: 'dbt build failed: Compilation Error in model x' }),
    );
  });

  it('fails with the end of stderr where there is nothing else', () => {
    expect(() => reportOf(new DbtLog(), ['x'], { ...ended(2), errorTail: 'No module named dbt' })).toThrowError(
      /No module named dbt/,
    );
  });
});
