import { expect, it } from 'vitest';
import { contextFor } from '../../test/support/machine-context.ts';
import type { CheckOutcome } from './contract.ts';
import type { MachineCheck } from './machine.ts';
import { runChecks } from './run.ts';

const check = (name: string, run: MachineCheck['run'], needs: MachineCheck['needs'] = []): MachineCheck => ({
  name,
  area: 'host',
  title: name,
  needs,
  run,
});
const fine: CheckOutcome = { detail: 'all well', findings: [] };

it('reports what hangs and what throws as failed, and lets the others tell theirs', async () => {
  const aborted: unknown[] = [];
  const context = await contextFor({ budgetMs: 50 });
  const runs = await runChecks(
    [
      check('well', async () => fine),
      check('hangs', ({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(signal.reason));
        return new Promise(() => {});
      }),
      check('throws', async () => {
        throw new Error('no such thing');
      }),
      check('throws-at-once', () => {
        throw new Error('at once');
      }),
      check('needs', async () => fine, ['kafka']),
      check('finds', async () => ({
        detail: 'not so well',
        findings: [
          { severity: 'warning', what: 'a', why: 'b', fix: null },
          { severity: 'error', what: 'c', why: 'd', fix: null },
        ],
      })),
    ],
    context,
  );
  expect(runs.map(({ report: { name, status, detail } }) => [name, status, detail])).toEqual([
    ['well', 'ok', 'all well'],
    ['hangs', 'failed', 'did not answer in 50 ms'],
    ['throws', 'failed', 'no such thing'],
    ['throws-at-once', 'failed', 'at once'],
    ['needs', 'skipped', 'kafka is not up'],
    ['finds', 'error', 'not so well'],
  ]);
  // What hangs is told to give up.
  expect(aborted).toHaveLength(1);
});

it('ends at once when the command is interrupted', async () => {
  const interrupt = new AbortController();
  const context = await contextFor({ budgetMs: 60_000, signal: interrupt.signal });
  const running = runChecks([check('hangs', () => new Promise(() => {}))], context);
  interrupt.abort(new Error('Ctrl-C'));
  await expect(running).rejects.toThrow('Ctrl-C');
});
