import { dbtJob } from '../components/warehouse/dbt-job.ts';
import { externalError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { withLock } from '../state/lock.ts';
import { DbtLog, type DbtMessage, type DbtNode } from './dbt-log.ts';
import { followSchemas } from './dbt-schemas.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from './stack.ts';

/** How long another dbt on the stack is waited for. */
const lockWaitMs = 5 * 60_000;

export interface DbtRequest extends StackRef {
  /** dbt's own: subcommand first. */
  args: readonly string[];
  /** Also report every message of dbt's as it comes. */
  verbose?: boolean;
}

export interface DbtReport {
  /** dbt's arguments. */
  command: readonly string[];
  /** Everything asked for was done and every test holds; warnings are allowed. */
  ok: boolean;
  exitCode: number;
  /** Of the process, start and parse included. */
  elapsedMs: number;
  counts: Readonly<Record<DbtNode['status'], number>>;
  /** In the order they ended. */
  nodes: readonly DbtNode[];
  /** What the command was asked to print (ls, compile, show). */
  output: readonly string[];
}

/**
 * Builds STAGING and MARTS of one date (YYYY-MM-DD, UTC) and runs the tests about it. Idempotent.
 * Unit tests are left out: they are about the models, not about the date (`lambdactl dbt test -- --select test_type:unit`).
 * @throws LambdaError NOT_UP, DBT_FAILED when dbt could not do its work at all
 */
export function buildDate(stack: OpenStack, date: string, context: OperationContext): Promise<DbtReport> {
  const vars = JSON.stringify({ date, to: date });
  return runDbtOn(stack, { args: ['build', '--exclude-resource-type', 'unit_test', '--vars', vars] }, context);
}

/**
 * Runs dbt with the stack's settings. A model or a test that fails is in the report; only a run that came to nothing throws.
 * @throws LambdaError NOT_UP, DBT_FAILED, STACK_BUSY while another dbt runs for minutes
 */
export async function runDbt(request: DbtRequest, context: OperationContext): Promise<DbtReport> {
  const stack = await openDbtStack(request);
  return runDbtOn(stack, request, context);
}

/** The stack, up where dbt needs it. @throws LambdaError NOT_UP */
export async function openDbtStack(ref: StackRef): Promise<OpenStack> {
  const stack = await openStack(ref);
  // An account elsewhere needs no part of the stack to run.
  if (stack.profile?.warehouse.target !== 'snowflake') await stack.requireUp();
  return stack;
}

/** As runDbt, on a stack that openDbtStack has opened. */
export async function runDbtOn(
  stack: OpenStack,
  { args, verbose = false }: Omit<DbtRequest, keyof StackRef>,
  context: OperationContext,
): Promise<DbtReport> {
  const id = 'dbt';
  const title = `dbt ${args[0] ?? ''}`.trim();
  return step(context, { id, title }, async () => {
    const log = new DbtLog();
    const onLine = (line: string) => {
      const before = log.nodes.size;
      const message = log.read(line);
      if (verbose && message !== null && !message.isOutput) tell(context, message);
      const { nodes, total } = log;
      if (total === null || nodes.size === before) return;
      const last = [...nodes.values()].at(-1)?.name;
      context.emit({
        type: 'progress',
        id,
        done: nodes.size,
        total,
        unit: 'items',
        ...(last === undefined ? {} : { detail: last }),
      });
    };
    // One at a time: they share the parse cache, and two builds of a date would undo each other.
    const lock = `${stack.paths.stackDir}/run/dbt.lock`;
    const options = { command: `lambdactl dbt ${args[0] ?? ''}`, waitMs: lockWaitMs, signal: context.signal };
    const result = await withLock(lock, options, async () => {
      for (const path of await followSchemas(projectRoot)) {
        const message = `${path} follows a changed schema`;
        context.emit({ type: 'log', level: 'info', component: 'dbt', message });
      }
      return stack.run(dbtJob, { args, onLine }, context);
    });
    const value = reportOf(log, args, result);
    return { value, detail: summary(value) };
  });
}

function tell({ emit }: OperationContext, { level, text }: DbtMessage): void {
  emit({ type: 'log', level, message: text, component: 'dbt' });
}

/** @throws LambdaError DBT_FAILED when nothing ran: a wrong argument, a project that cannot be read, no connection */
export function reportOf(
  log: DbtLog,
  args: readonly string[],
  { exitCode, errorTail, elapsedMs }: { exitCode: number; errorTail: string; elapsedMs: number },
): DbtReport {
  const nodes = [...log.nodes.values()];
  if (exitCode !== 0 && nodes.length === 0) {
    const reason = log.errors.join('\n') || errorTail || log.output.join('\n') || `dbt ended with code ${exitCode}`;
    throw externalError(`dbt ${args[0] ?? ''} failed: ${reason}`, {
      code: 'DBT_FAILED',
      details: { exitCode, args },
      actions: ['`lambdactl logs dbt` has its log.', '`lambdactl dbt debug` checks the connection and the project.'],
    });
  }
  const counts = { success: 0, warn: 0, fail: 0, error: 0, skipped: 0 };
  for (const { status } of nodes) counts[status] += 1;
  return { command: args, ok: exitCode === 0, exitCode, elapsedMs, counts, nodes, output: log.output };
}

function summary({ nodes, counts }: DbtReport): string {
  if (nodes.length === 0) return '';
  const parts = [`${counts.success} ok`];
  for (const status of ['warn', 'fail', 'error', 'skipped'] as const) {
    if (counts[status] > 0) parts.push(`${counts[status]} ${status}`);
  }
  return parts.join(', ');
}
