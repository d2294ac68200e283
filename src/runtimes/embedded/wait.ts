import { externalError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { ServiceStatus } from '../../core/service-spec.ts';
import type { SupervisorClient } from '../../supervisor/client.ts';

/** A service that ended this often while we waited will not come up by waiting longer. */
const maxCrashes = 3;

/**
 * Waits until all instances of a component are healthy, telling meanwhile how far they are.
 * @throws LambdaError COMPONENT_FAILED with the last lines it logged; the signal's reason when aborted, leaving all running
 */
export async function waitUntilHealthy(
  client: SupervisorClient,
  component: string,
  instances: readonly string[],
  { emit, signal }: OperationContext,
): Promise<void> {
  const begin = performance.now();
  const latest = new Map<string, ServiceStatus>();
  const tell = () => {
    const statuses = [...latest.values()];
    const waitedFor = statuses.find(({ state }) => state !== 'healthy');
    if (waitedFor === undefined) return;
    emit({
      type: 'progress',
      id: `start/${component}`,
      done: statuses.filter(({ state }) => state === 'healthy').length,
      total: instances.length,
      unit: 'items',
      detail: progressLine(waitedFor, instances.length, (performance.now() - begin) / 1000),
    });
  };
  const ticking = setInterval(tell, 1_000);
  try {
    const onStatus = (status: ServiceStatus) => {
      latest.set(status.name, status);
      tell();
    };
    const outcome = await client.waitHealthy(instances, { maxCrashes, signal, onStatus });
    if (!outcome.healthy) throw failed(component, outcome);
  } finally {
    clearInterval(ticking);
  }
}

function progressLine({ name, state, detail }: ServiceStatus, count: number, seconds: number): string {
  const who = count > 1 ? `${name} ` : '';
  const why = detail === '' ? '' : `: ${detail.split('\n', 1)[0]}`;
  return `${who}${state} ${seconds.toFixed(0)} s${why}`;
}

const said = {
  failed: 'could not be started',
  crashing: `ended ${maxCrashes} times in a row`,
  timeout: 'did not become healthy in time',
  stopped: 'was stopped meanwhile',
  unknown: 'is not known to the supervisor',
} as const;

function failed(
  component: string,
  { name = component, reason = 'unknown', detail = '' }: Awaited<ReturnType<SupervisorClient['waitHealthy']>>,
) {
  const [why = '', ...lines] = detail.split('\n');
  const indented = lines.map((line) => `\n  ${line}`).join('');
  return externalError(`${name} ${said[reason]}: ${why}${indented}`, {
    code: 'COMPONENT_FAILED',
    actions: [`See more of what it said: lambdactl logs ${component}`, 'Then run the same command again.'],
    details: { component, instance: name, reason, detail: why, log: lines },
    retryable: true,
  });
}
