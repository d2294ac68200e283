import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, freemem, hostname, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { findExecutable } from './paths.ts';

export interface HostFacts {
  platform: NodeJS.Platform;
  arch: string;
  uid: number | null;
  /** Usable by this process: affinity and cgroup quota counted. */
  cores: number;
  /** Of the machine, or the cgroup's limit where that is lower. */
  memoryTotalBytes: number;
  /** What can be had without swapping, within the same limits. */
  memoryAvailableBytes: number;
  /** The cgroup's limit, null where there is none. */
  memoryLimitBytes: number | null;
  /** Soft and hard limit of open files of what this process starts; null: unlimited or not told. */
  openFiles: Limit;
  /** The same of processes and threads of this user. */
  processes: Limit;
  /** What the hardware has, whatever this process may use of it. */
  machine: { cores: number; memoryBytes: number };
  /** Cores' worth of CPU time that the cgroup grants; null where it grants all. */
  cpuQuota: number | null;
  /** Processes and threads that the cgroup allows and has; null where it allows any number. */
  cgroupProcesses: { limit: number; used: number } | null;
  swap: { totalBytes: number; freeBytes: number };
  /** Memory mappings that one process may have; null where it is not told. */
  memoryMappings: number | null;
}

export interface Limit {
  soft: number | null;
  hard: number | null;
}

export function hostFacts(): HostFacts {
  const limit = memoryLimit();
  const total = totalmem();
  const available = meminfo('MemAvailable') ?? freemem();
  return {
    platform: process.platform,
    arch: arch(),
    uid: process.getuid?.() ?? null,
    cores: Math.min(availableParallelism(), cpuQuota() ?? Number.POSITIVE_INFINITY),
    memoryTotalBytes: Math.min(total, limit?.bytes ?? total),
    memoryAvailableBytes: Math.max(0, Math.min(available, limit === null ? available : limit.bytes - limit.used)),
    memoryLimitBytes: limit?.bytes ?? null,
    openFiles: limitOf('Max open files'),
    processes: limitOf('Max processes'),
    machine: { cores: cpus().length, memoryBytes: total },
    cpuQuota: cpuQuota(),
    cgroupProcesses: processQuota(),
    swap: { totalBytes: meminfo('SwapTotal') ?? 0, freeBytes: meminfo('SwapFree') ?? 0 },
    memoryMappings: numberIn('/proc/sys/vm/max_map_count'),
  };
}

/** Bytes an unprivileged user may still write where `path` is or will be. */
export async function freeDiskBytes(path: string): Promise<number> {
  let at = path;
  while ((await stat(at).catch(() => null)) === null && dirname(at) !== at) at = dirname(at);
  const { bavail, bsize } = await statfs(at);
  return bavail * bsize;
}

export interface Tool {
  path: string;
  /** First version-like number it told, null when it told none. */
  version: string | null;
}

/** Looks a program up on PATH and asks its version; null when it is not there. */
export async function findTool(name: string, versionArgs: readonly string[] = ['--version']): Promise<Tool | null> {
  const path = findExecutable(name);
  if (path === null) return null;
  const text = await new Promise<string>((settle) => {
    execFile(path, [...versionArgs], { timeout: 5000 }, (_error, stdout, stderr) => settle(`${stdout}\n${stderr}`));
  });
  return { path, version: /\d+\.\d+(?:\.\d+)*/.exec(text)?.[0] ?? null };
}

/** Whether this user may make a user namespace that maps it to another uid (unshare of util-linux works). */
export async function canMapUser(): Promise<boolean> {
  const unshare = process.platform === 'linux' ? findExecutable('unshare') : null;
  if (unshare === null) return false;
  return await new Promise((settle) => {
    execFile(unshare, ['--user', '--map-user=65534', '--map-group=65534', 'true'], { timeout: 5000 }, (error) =>
      settle(error === null),
    );
  });
}

function meminfo(field: string): number | null {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** The lowest memory limit on the way from this process's cgroup to the root, with what is used of it. */
function memoryLimit(): { bytes: number; used: number } | null {
  const limits = [
    ...cgroupDirs('').map((dir) => cgroupLimit(dir, 'memory.max', 'memory.current', 'inactive_file')),
    ...cgroupDirs('memory').map((dir) =>
      cgroupLimit(dir, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
    ),
  ].filter((limit) => limit !== null);
  return limits.sort((a, b) => a.bytes - b.bytes)[0] ?? null;
}

function cgroupLimit(dir: string, max: string, current: string, reclaimable: string) {
  const bytes = Number(read(join(dir, max)));
  // cgroup v1 writes "no limit" as a number near 2^63.
  if (!Number.isFinite(bytes) || bytes <= 0 || bytes > 2 ** 60) return null;
  const cache = new RegExp(`^${reclaimable} (\\d+)`, 'm').exec(read(join(dir, 'memory.stat')) ?? '')?.[1];
  return { bytes, used: Number(read(join(dir, current)) ?? 0) - Number(cache ?? 0) };
}

function cpuQuota(): number | null {
  const quotas = [
    ...cgroupDirs('').map((dir) => (read(join(dir, 'cpu.max')) ?? '').trim().split(' ')),
    ...cgroupDirs('cpu').map((dir) => [
      (read(join(dir, 'cpu.cfs_quota_us')) ?? '').trim(),
      (read(join(dir, 'cpu.cfs_period_us')) ?? '').trim(),
    ]),
  ]
    .map(([quota, period]) => Number(quota) / Number(period))
    .filter((cores) => Number.isFinite(cores) && cores > 0);
  return quotas.length === 0 ? null : Math.min(...quotas);
}

/** Directories of this process's cgroup and those above it, for a v1 controller or ('' ) the unified hierarchy. */
function cgroupDirs(controller: string): string[] {
  const line = (read('/proc/self/cgroup') ?? '')
    .split('\n')
    .map((text) => text.split(':'))
    .find(([, controllers = '-']) =>
      controller === '' ? controllers === '' : controllers.split(',').includes(controller),
    );
  if (line === undefined) return [];
  const mount = controller === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`;
  const dirs = [mount];
  for (let at = line.slice(2).join(':'); at.length > 1; at = dirname(at)) dirs.push(join(mount, at));
  return dirs;
}

function processQuota(): HostFacts['cgroupProcesses'] {
  const quotas = [...cgroupDirs(''), ...cgroupDirs('pids')].flatMap((dir) => {
    const limit = numberIn(join(dir, 'pids.max'));
    return limit === null ? [] : [{ limit, used: numberIn(join(dir, 'pids.current')) ?? 0 }];
  });
  return quotas.sort((a, b) => a.limit - b.limit)[0] ?? null;
}

function limitOf(name: string): Limit {
  const [, soft, hard] = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(read('/proc/self/limits') ?? '') ?? [];
  const number = (text: string | undefined) => (text === undefined || text === 'unlimited' ? null : Number(text));
  return { soft: number(soft), hard: number(hard) };
}

/** null where there is no such file or it holds no number ("max"). */
function numberIn(path: string): number | null {
  const text = read(path)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** This machine and this process, for a message on another one. */
export function processName(): string {
  return `${hostname()}, process ${process.pid}`;
}
