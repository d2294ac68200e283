import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type ProcessIdentity, startedFrom, statFields } from './process.ts';

export interface ProcessRow extends ProcessIdentity {
  ppid: number;
  /** Session id; the process group on macOS, which shows no session. */
  sid: number;
  /** Of the process and of its children that ended and were waited for. */
  cpuSeconds: number;
}

const linux = process.platform === 'linux';
/** Linux reports times in USER_HZ, which has been 100 on every architecture Node runs on. */
const ticksPerSecond = 100;

/** All living processes (no zombies). Synchronous: about 10 µs a process. */
export function listProcesses(): ProcessRow[] {
  return linux ? fromProc() : fromPs();
}

function fromProc(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d/.test(name)) continue;
    try {
      const [state, ppid, , sid, ...rest] = statFields(readFileSync(`/proc/${name}/stat`, 'latin1'));
      if (state === 'Z' || state === 'X') continue;
      // proc(5): utime is field 14, so rest[7]; then stime, cutime, cstime; starttime is field 22.
      const cpu = Number(rest[7]) + Number(rest[8]) + Number(rest[9]) + Number(rest[10]);
      rows.push({
        pid: Number(name),
        started: startedFrom(rest[15] ?? ''),
        ppid: Number(ppid),
        sid: Number(sid),
        cpuSeconds: cpu / ticksPerSecond,
      });
    } catch {
      // Ended while we were reading.
    }
  }
  return rows;
}

function fromPs(): ProcessRow[] {
  const text = execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat=,time=,lstart='], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
  });
  return text.split('\n').flatMap((line) => {
    const [pid, ppid, pgid, state, time, ...started] = line.trim().split(/\s+/);
    if (time === undefined || state === undefined || state.startsWith('Z')) return [];
    const cpuSeconds = time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0);
    return [{ pid: Number(pid), ppid: Number(ppid), sid: Number(pgid), started: started.join('_'), cpuSeconds }];
  });
}

/**
 * Everything that belongs to the processes in `roots`: members of the sessions they opened, their descendants, and
 * descendants of those. A row whose pid is a root's but whose start time differs belongs to somebody else.
 */
export function treeOf(roots: readonly ProcessIdentity[], rows: readonly ProcessRow[]): ProcessRow[] {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const known = new Set(roots.filter(({ pid, started }) => byPid.get(pid)?.started === started).map(({ pid }) => pid));
  // A session outlives its leader; the leader's pid is not given away while it does.
  const sessions = new Set(roots.filter(({ pid }) => known.has(pid) || !byPid.has(pid)).map(({ pid }) => pid));
  for (let grew = true; grew; ) {
    grew = false;
    for (const row of rows) {
      if (known.has(row.pid) || !(sessions.has(row.sid) || known.has(row.ppid))) continue;
      known.add(row.pid);
      grew = true;
    }
  }
  return rows.filter(({ pid }) => known.has(pid));
}

/** Processes that were started with this text ("NAME=value") in their environment, whatever became of their parents. Linux only. */
export function withEnvironment(marker: string, rows: readonly ProcessRow[]): ProcessRow[] {
  if (!linux) return [];
  return rows.filter(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(marker);
    } catch {
      return false;
    }
  });
}

/** Value of a variable in the environment that a process was started with; null where it has none or cannot be seen. Linux only. */
export function variableOf(pid: number, name: string): string | null {
  if (!linux) return null;
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
  } catch {
    return null;
  }
}

/** Working directory of a process; null when it cannot be seen. Linux only. */
export function directoryOf(pid: number): string | null {
  try {
    return linux ? readlinkSync(`/proc/${pid}/cwd`) : null;
  } catch {
    return null;
  }
}

/** Proportional set size of the processes, bytes: shared pages count once over all who share them. RSS where PSS is not told. */
export function memoryOf(pids: readonly number[]): number {
  if (linux) return pids.reduce((sum, pid) => sum + memoryFromProc(pid), 0);
  if (pids.length === 0) return 0;
  try {
    const text = execFileSync('ps', ['-o', 'rss=', '-p', pids.join(',')], { encoding: 'utf8' });
    return text.split('\n').reduce((sum, line) => sum + Number(line.trim()) * 1024, 0);
  } catch {
    return 0;
  }
}

function memoryFromProc(pid: number): number {
  for (const [file, label] of [
    ['smaps_rollup', 'Pss:'],
    ['status', 'VmRSS:'],
  ] as const) {
    try {
      const text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
      const at = text.indexOf(label);
      if (at !== -1) return Number.parseInt(text.slice(at + label.length), 10) * 1024;
    } catch {
      // Another user's process, or gone.
    }
  }
  return 0;
}
