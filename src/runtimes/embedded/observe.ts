import { LambdaError } from '../../core/errors.ts';
import type { ServiceStatus } from '../../core/service-spec.ts';
import { readDesired } from '../../state/desired.ts';
import { type ObservedState, readObserved } from '../../state/observed.ts';
import type { StackPaths } from '../../state/paths.ts';
import { isActive } from '../../supervisor/machine.ts';
import { supervisorAlive } from '../../supervisor/reap.ts';
import { isAlive, waitUntilGone } from '../../system/process.ts';
import type { ObservedStack } from '../contract.ts';
import type { SupervisorLink } from './connection.ts';

/** What runs: asked of the supervisor, or, when none runs, what the state file says as far as it is still true. */
export async function observeStack(paths: StackPaths, link: SupervisorLink): Promise<ObservedStack> {
  const desired = await readDesired(paths);
  const profile = typeof desired?.profile.name === 'string' ? desired.profile.name : null;
  const base = { stack: paths.stack, profile };
  const told = await link
    .ifRunning((client) => client.status())
    .catch(async (error: unknown) => {
      if (!(error instanceof LambdaError && error.code.startsWith('SUPERVISOR_'))) throw error;
      // A process that was just killed looks alive for a moment.
      const dying = error.code === 'SUPERVISOR_GONE' ? (await readObserved(paths))?.supervisor : null;
      if (dying != null) await waitUntilGone(dying, 1_000);
      // Hung or of another version: its last record is better than no answer.
      return null;
    });
  const record = await readObserved(paths);
  if (told !== null) {
    const { services, supervisorPssBytes } = told;
    return { ...base, supervisorPid: record?.supervisor?.pid ?? null, supervisorPssBytes, services };
  }
  if (record !== null && supervisorAlive(record)) {
    const services = record.services.map(({ status }) => status);
    return { ...base, supervisorPid: record.supervisor?.pid ?? null, supervisorPssBytes: null, services };
  }
  const services = (record?.services ?? []).map(withoutSupervisor);
  return { ...base, supervisorPid: null, supervisorPssBytes: null, services };
}

function withoutSupervisor({ status, processes }: ObservedState['services'][number]): ServiceStatus {
  const dead = { ...status, pid: null, startedAt: null, pssBytes: null, cpuPercent: null, cpuSeconds: null };
  if (!isActive(status.state)) return dead;
  const alive = processes.find(isAlive);
  if (alive !== undefined) {
    const detail = `pid ${alive.pid} runs without its supervisor, which died; \`lambdactl up\` or \`down\` ends it`;
    return { ...status, state: 'unhealthy', detail, pid: alive.pid, cpuPercent: null };
  }
  const was = status.pid === null ? 'its processes are dead' : `pid ${status.pid} is dead`;
  return { ...dead, state: 'stopped', detail: `${was}: the supervisor died; \`lambdactl up\` starts it again` };
}
