import type { HealthReport } from '../core/reports.ts';
import { openStack, type StackRef } from './stack.ts';

/** The last probe of every component; one that is not running is not healthy. */
export async function health(ref: StackRef): Promise<HealthReport> {
  const stack = await openStack(ref);
  const { services } = await stack.runtime.observe();
  const checks = services.map(({ name, state, detail, lastProbe, pid }) => ({
    name,
    healthy: pid !== null && state === 'healthy',
    detail: state === 'healthy' ? (lastProbe?.detail ?? detail) : `${state}${detail === '' ? '' : `: ${detail}`}`,
    latencyMs: lastProbe?.latencyMs ?? null,
  }));
  return { stack: stack.name, healthy: checks.length > 0 && checks.every(({ healthy }) => healthy), checks };
}
