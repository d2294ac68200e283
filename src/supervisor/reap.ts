import type { ProcessIdentity } from '../system/process.ts';
import { isAlive } from '../system/process.ts';
import { listProcesses, treeOf, withEnvironment } from '../system/process-table.ts';
import { defaultTimings, type SupervisorRecord } from './options.ts';
import { endTree } from './process-tree.ts';

/**
 * What a dead supervisor left running: recorded processes whose start time still matches, what descends from them, and what
 * carries the run's marker in its environment. Other processes that got one of the pids since are not among them.
 */
export function leftovers(record: SupervisorRecord): readonly ProcessIdentity[] {
  const rows = listProcesses();
  const recorded = record.services.flatMap(({ processes }) => processes);
  const found = [...treeOf(recorded, rows), ...withEnvironment(record.marker, rows)];
  return [...new Map(found.map(({ pid, started }) => [pid, { pid, started }])).values()];
}

/** Whether the recorded supervisor runs. */
export function supervisorAlive(record: SupervisorRecord | null): boolean {
  return record?.supervisor != null && isAlive(record.supervisor);
}

/** Ends what a dead supervisor left. @returns what was ended. The caller knows that the supervisor is dead. */
export async function reap(
  record: SupervisorRecord,
  graceMs = defaultTimings.reapGraceMs,
): Promise<readonly ProcessIdentity[]> {
  const found = leftovers(record);
  await Promise.all(
    record.services.map(({ processes }) => endTree({ roots: processes, marker: null, signal: 'SIGTERM', graceMs })),
  );
  // Marked ones without a recorded root: started in the moment before the supervisor died.
  await endTree({ roots: [], marker: record.marker, signal: 'SIGTERM', graceMs });
  return found;
}
