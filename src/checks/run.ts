import type { CheckReport } from '../core/doctor-report.ts';
import { messageOf } from '../core/errors.ts';
import { hasProcess } from '../core/service-spec.ts';
import { formatDuration } from '../core/units.ts';
import type { Check, CheckContext, Finding } from './contract.ts';

/** What came of one check; its findings still know how to mend what they tell. */
export interface CheckRun {
  name: string;
  preflight: boolean;
  report: Omit<CheckReport, 'findings'>;
  findings: readonly Finding[];
  /** What a failed check threw. */
  error?: unknown;
}

/**
 * Runs checks side by side. Each has `budgetMs` of the context: one that takes longer or throws is reported as failed and stops nobody.
 * What such a one still waits for goes on in the background until its signal, aborted at that moment, ends it.
 */
export function runChecks<C extends CheckContext>(checks: readonly Check<C>[], context: C): Promise<CheckRun[]> {
  return Promise.all(checks.map((check) => runCheck(check, context)));
}

async function runCheck<C extends CheckContext>(check: Check<C>, context: C): Promise<CheckRun> {
  const { name, area, title, preflight = false } = check;
  const started = performance.now();
  const run = (
    status: CheckReport['status'],
    detail: string,
    rest: Pick<CheckRun, 'findings'> & { error?: unknown },
  ) => ({
    name,
    preflight,
    report: { name, area, title, status, detail, elapsedMs: performance.now() - started },
    ...rest,
  });
  const absent = check.needs.filter((need) => !isRunning(need, context));
  if (absent.length > 0)
    return run('skipped', `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not up`, { findings: [] });
  try {
    const { detail, findings } = await inTime(check, context);
    return run(statusOf(findings), detail, { findings });
  } catch (error) {
    // Of an interrupted doctor there is nothing to report.
    context.signal.throwIfAborted();
    return run('failed', messageOf(error), { findings: [], error });
  }
}

function isRunning(component: string, { services }: CheckContext): boolean {
  return services.some((service) => service.component === component && hasProcess(service));
}

async function inTime<C extends CheckContext>(check: Check<C>, context: C) {
  const late = new AbortController();
  const signal = AbortSignal.any([context.signal, late.signal]);
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, fail) => {
    const end = (reason: unknown) => {
      fail(reason);
      late.abort(reason);
    };
    timer = setTimeout(() => end(new Error(`did not answer in ${formatDuration(context.budgetMs)}`)), context.budgetMs);
    context.signal.addEventListener('abort', () => end(context.signal.reason), { once: true, signal: late.signal });
  });
  try {
    return await Promise.race([check.run({ ...context, signal }), over]);
  } finally {
    clearTimeout(timer);
    // Whatever the check left open has no reader any more.
    late.abort();
  }
}

function statusOf(findings: readonly Finding[]): CheckReport['status'] {
  if (findings.some(({ severity }) => severity === 'error')) return 'error';
  return findings.length > 0 ? 'warning' : 'ok';
}
