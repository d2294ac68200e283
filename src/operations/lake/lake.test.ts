import { describe, expect, it } from 'vitest';
import { lakeJob } from '../../components/spark/lake-job.ts';
import type { OperationEvent } from '../../core/events.ts';
import type { JobRequest, JobResult } from '../../runtimes/contract.ts';
import type { OpenStack } from '../stack.ts';
import { uniquelyNamed, waitForLake } from './lake.ts';
import { answerSchema, tablesSchema } from './reports.ts';
import { runLake } from './tool.ts';

/** A stack whose lake tool prints these lines. */
function stackOf(lines: readonly string[], exitCode = 0, asked: string[] = []): OpenStack {
  const run = (job: unknown, { args, onLine }: JobRequest): Promise<JobResult> => {
    expect(job).toBe(lakeJob);
    asked.push(...args);
    for (const line of lines) onLine?.(line);
    return Promise.resolve({ exitCode, lines, errorTail: exitCode === 0 ? '' : 'what it said last', elapsedMs: 5 });
  };
  const stack = { requireUp: async () => {}, run };
  return stack as unknown as OpenStack; // only these members are used
}

const events: OperationEvent[] = [];
const context = { emit: (event: OperationEvent) => void events.push(event), signal: new AbortController().signal };

describe('runLake', () => {
  it('gathers rows, tells progress and passes over what is no line of the tool', async () => {
    const lines = [
      'a library said something',
      '{"event":"progress","detail":"lake.user_events"}',
      '{"event":"rows","rows":[[1,"a"]]}',
      '{"event":"rows","rows":[[2,null]]}',
      '{"event":"result","columns":[],"rowCount":2,"truncated":false,"asOf":null,"queryMs":3}',
    ];
    const run = await runLake(stackOf(lines), ['query', '--', 'select 1'], answerSchema, context);
    expect(run).toMatchObject({
      rows: [
        [1, 'a'],
        [2, null],
      ],
      result: { rowCount: 2 },
      elapsedMs: 5,
    });
    expect(events).toEqual([{ type: 'log', level: 'info', component: 'lake', message: 'lake.user_events' }]);
  });

  it.each([
    ['UNKNOWN_TABLE', 2, 'UNKNOWN_TABLE'],
    ['BAD_SQL', 2, 'BAD_SQL'],
    ['BAD_DATE', 2, 'BAD_DATE'],
    ['SOMETHING_ELSE', 1, 'LAKE_FAILED'],
  ])('makes %s an error of exit code %i', async (code, exitCode, expected) => {
    const stack = stackOf([`{"event":"error","code":"${code}","message":"the reason"}`], 2);
    const failed = runLake(stack, ['tables'], tablesSchema, context);
    await expect(failed).rejects.toMatchObject({
      code: expected,
      exitCode,
      message: expect.stringContaining('the reason'),
    });
  });

  it('shows the last words of a tool that ended without a result', async () => {
    const failed = runLake(stackOf([], 137), ['tables'], tablesSchema, context);
    await expect(failed).rejects.toMatchObject({
      code: 'LAKE_FAILED',
      message: expect.stringContaining('what it said last'),
    });
  });
});

it('waitForLake asks in whole seconds for the offsets as Kafka gives them', async () => {
  const asked: string[] = [];
  const missing = { user_events: { '0': { at: 4, wanted: 5 } } };
  const result = { event: 'result', complete: false, waitedMs: 1500, behind: 1, missing, next: {} };
  const stack = stackOf([JSON.stringify(result)], 0, asked);
  const waited = await waitForLake(stack, { wanted: { user_events: { '0': 5 } }, timeoutMs: 1500 }, context);
  expect(waited).toMatchObject({ complete: false, behind: 1, missing });
  expect(asked).toEqual(['wait', '--timeout', '2', '--offsets', '{"user_events":{"0":5}}']);
});

it('uniquelyNamed loses no column', () => {
  const names = uniquelyNamed([{ name: 'a' }, { name: 'b' }, { name: 'a' }, { name: 'a_2' }]).map(({ name }) => name);
  expect(names).toEqual(['a', 'b', 'a_2', 'a_2_2']);
});
