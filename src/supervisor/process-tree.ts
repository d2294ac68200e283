import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessIdentity, type Signal, signalGroup, signalProcess } from '../system/process.ts';
import { listProcesses, type ProcessRow, treeOf, withEnvironment } from '../system/process-table.ts';

/** After the leader's end, what it left behind has this long to follow before it is killed. */
const strayGraceMs = 1_000;
const killWaitMs = 10_000;

export interface TreeEnd {
  /** Known members; their descendants and sessions are found from them. */
  roots: readonly ProcessIdentity[];
  /** Text in the environment of everything that belongs to the tree, for what left the family. */
  marker: string | null;
  signal: Signal;
  graceMs: number;
}

/**
 * Ends a process tree: the signal to the first root's group, the grace, then SIGKILL for everything that is left, sessions
 * of their own included.
 * @returns the processes that not even SIGKILL ended (in an uninterruptible wait)
 */
export async function endTree({ roots, marker, signal, graceMs }: TreeEnd): Promise<readonly ProcessIdentity[]> {
  const known = new Map<string, ProcessIdentity>(roots.map((root) => [`${root.pid} ${root.started}`, root]));
  // Reading every process's environment costs more than the rest: it is done at the ends, not at every look between.
  const look = (everywhere: boolean): ProcessRow[] => {
    const rows = listProcesses();
    const members = treeOf([...known.values()], rows);
    const marked = marker === null || !everywhere ? [] : withEnvironment(marker, rows);
    const all = [...new Map([...members, ...marked].map((row) => [row.pid, row])).values()];
    for (const row of all) known.set(`${row.pid} ${row.started}`, { pid: row.pid, started: row.started });
    return all;
  };
  const living = (): ProcessRow[] => {
    const near = look(false);
    return near.length > 0 ? near : look(true);
  };
  const begin = performance.now();
  const leader = roots[0];
  let present = look(true);
  if (present.length === 0) return [];
  if (leader !== undefined) signalGroup(leader, signal);
  let leaderGoneAt: number | null = null;
  while (present.length > 0 && performance.now() - begin < graceMs) {
    const now = performance.now();
    const led = leader !== undefined && present.some((row) => isSame(row, leader));
    if (!led && leaderGoneAt === null) {
      leaderGoneAt = now;
      present = look(true);
      for (const row of present) signalProcess(row, 'SIGTERM');
    }
    if (leaderGoneAt !== null && now - leaderGoneAt > strayGraceMs) break;
    await delay(now - begin < 500 ? 25 : 100);
    present = living();
  }
  const killBegin = performance.now();
  if (present.length > 0) present = look(true);
  while (present.length > 0 && performance.now() - killBegin < killWaitMs) {
    for (const row of present) signalProcess(row, 'SIGKILL');
    await delay(20);
    present = living();
  }
  return present.map(({ pid, started }) => ({ pid, started }));
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.started === b.started;
}
