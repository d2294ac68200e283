import { type ObservedState, readObserved } from '../state/observed.ts';
import { checkStackName, type StackPaths, stackPaths } from '../state/paths.ts';
import { entriesOf } from '../system/files.ts';
import { commandOf, isAlive, type ProcessIdentity, signalProcess, waitUntilGone } from '../system/process.ts';
import { directoryOf, listProcesses, type ProcessRow, treeOf, variableOf } from '../system/process-table.ts';
import { commandFor } from './commands.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

const marker = 'LAMBDACTL_RUN';
/** How a supervisor calls itself in the process table. */
const supervisorTitle = 'lambdactl-supervisor';
const graceMs = 10_000;
const named = 3;

interface Neighbour {
  paths: StackPaths;
  record: ObservedState | null;
  alive: boolean;
}

interface Leftover {
  stack: string;
  processes: readonly ProcessIdentity[];
  /** The stack's state file still tells whose they are, so that `down` ends them. */
  recorded: boolean;
}

/** Processes that a supervisor of this home started and that outlived it. */
export const leftovers: MachineCheck = {
  name: 'leftovers',
  area: 'host',
  title: 'processes of dead supervisors',
  needs: [],
  async run({ paths, wanted }) {
    const stacks = await neighbours(paths);
    const found = leftoversOf(stacks, paths, listProcesses());
    const running = stacks.filter(({ alive }) => alive).length;
    return {
      detail: `${stacks.length} stacks in ${paths.home}, ${running} with a supervisor, nothing left behind by others`,
      // What `up` takes over itself is told by the check "supervisor".
      findings: found
        .filter(({ stack, recorded }) => !(stack === paths.stack && recorded && wanted.length > 0))
        .map(tell),
    };
  },
};

async function neighbours(paths: StackPaths): Promise<Neighbour[]> {
  const names = (await entriesOf(paths.stacksDir)).filter(isStackName);
  return Promise.all(
    names.map(async (name) => {
      const each = stackPaths(paths.home, name);
      const record = await readObserved(each).catch(() => null);
      return { paths: each, record, alive: record?.supervisor != null && isAlive(record.supervisor) };
    }),
  );
}

function isStackName(name: string): boolean {
  try {
    checkStackName(name);
    return true;
  } catch {
    return false;
  }
}

function leftoversOf(stacks: readonly Neighbour[], { stacksDir }: StackPaths, rows: readonly ProcessRow[]): Leftover[] {
  const marked = rows.flatMap((row) => {
    const value = variableOf(row.pid, marker);
    // Jobs belong to the command that runs them, and end with it.
    return value === null || value.startsWith('job-') ? [] : [{ row, text: `${marker}=${value}` }];
  });
  // A run's marker is the beginning of what its processes carry; the rest says which service each is of.
  const ofRun = ({ record }: Neighbour) =>
    record === null ? [] : marked.filter(({ text }) => text.startsWith(record.marker)).map(({ row }) => row);
  const watched = new Set(stacks.filter(({ alive }) => alive).flatMap((each) => ofRun(each).map(({ pid }) => pid)));
  const known = stacks.flatMap((each): Leftover[] => {
    const { paths, record, alive } = each;
    if (record === null || alive) return [];
    const recorded = treeOf(
      record.services.flatMap(({ processes }) => processes),
      rows,
    );
    const processes = unique([...recorded, ...ofRun(each)]);
    return processes.length === 0 ? [] : [{ stack: paths.stack, processes, recorded: true }];
  });
  for (const { processes } of known) for (const { pid } of processes) watched.add(pid);
  // The record is lost or is a later run's: where a process works tells whose it was.
  const lost = marked.filter(
    ({ row }) =>
      !watched.has(row.pid) && directoryOf(row.pid)?.startsWith(`${stacksDir}/`) === true && !isSupervised(row, rows),
  );
  const byStack = Map.groupBy(
    lost,
    ({ row }) =>
      directoryOf(row.pid)
        ?.slice(stacksDir.length + 1)
        .split('/')[0] ?? '',
  );
  return [
    ...known,
    ...[...byStack].map(([stack, found]) => ({
      stack,
      processes: unique(found.map(({ row }) => row)),
      recorded: false,
    })),
  ];
}

/** Whether one of its ancestors is a supervisor, which then knows of it whatever the files say. */
function isSupervised(row: ProcessRow, rows: readonly ProcessRow[]): boolean {
  const byPid = new Map(rows.map((each) => [each.pid, each]));
  for (let at = byPid.get(row.ppid); at !== undefined && at.pid > 1; at = byPid.get(at.ppid)) {
    if (commandOf(at.pid)?.startsWith(supervisorTitle) === true) return true;
  }
  return false;
}

const unique = (rows: readonly ProcessIdentity[]): ProcessIdentity[] => [
  ...new Map(rows.map(({ pid, started }) => [pid, { pid, started }])).values(),
];

function tell({ stack, processes, recorded }: Leftover): Finding {
  const names = processes.slice(0, named).map(({ pid }) => `${pid} (${(commandOf(pid) ?? '?').slice(0, 60)})`);
  const more = processes.length > named ? ` and ${processes.length - named} more` : '';
  const finding = {
    severity: 'warning' as const,
    what: `${processes.length} processes of stack "${stack}" run without a supervisor: ${names.join(', ')}${more}`,
    why: 'They hold memory, ports and files, and nothing restarts or ends them.',
  };
  if (recorded) return { ...finding, fix: { command: commandFor({ paths: { stack } }, 'down'), safe: true } };
  const command = `kill ${processes.map(({ pid }) => pid).join(' ')}`;
  return { ...finding, fix: { command, safe: true }, mend: () => end(processes) };
}

/** Ends the very processes that were found, none that got a pid of theirs since. */
async function end(processes: readonly ProcessIdentity[]): Promise<string> {
  for (const each of processes) signalProcess(each, 'SIGTERM');
  const gone = await Promise.all(processes.map((each) => waitUntilGone(each, graceMs)));
  for (const [index, each] of processes.entries()) if (gone[index] === false) signalProcess(each, 'SIGKILL');
  return `ended ${processes.length} processes`;
}
