import type { Limit } from '../system/host.ts';
import type { Finding } from './contract.ts';
import type { MachineCheck } from './machine.ts';

/** Kafka and ClickHouse keep a file or two open for each segment and part. */
const openFilesWanted = 16_384;
const openFilesNeeded = 4_096;
const processesWanted = 2_048;
/** Kafka maps two indexes a segment, ClickHouse parts; the kernel's default is 65,530. */
const mappingsWanted = 65_530;

/** What one process may open and start (ulimit -n, -u), and how often it may map memory. */
export const processLimits: MachineCheck = {
  name: 'process-limits',
  area: 'host',
  title: 'open files, processes and memory mappings allowed',
  needs: [],
  async run({ host: { openFiles, processes, memoryMappings } }) {
    const detail = `${text(openFiles)} open files, ${text(processes)} processes, ${memoryMappings ?? 'any number of'} mappings`;
    return { detail, findings: [...files(openFiles), ...tasks(processes), ...mappings(memoryMappings)] };
  },
};

// The soft limit may be raised up to the hard one by who starts a program, and Node does.
const allowed = ({ soft, hard }: Limit): number => Math.max(soft ?? Number.POSITIVE_INFINITY, hard ?? 0);
const text = (limit: Limit): string => (Number.isFinite(allowed(limit)) ? String(allowed(limit)) : 'any number of');

function files(limit: Limit): Finding[] {
  if (allowed(limit) >= openFilesWanted) return [];
  return [
    {
      severity: allowed(limit) < openFilesNeeded ? 'error' : 'warning',
      what: `a process may open ${text(limit)} files, ${openFilesWanted} are wanted`,
      why: 'Kafka and ClickHouse end with "Too many open files" when data has grown; raise it with ulimit -n or limits.conf.',
      fix: null,
    },
  ];
}

function tasks(limit: Limit): Finding[] {
  if (allowed(limit) >= processesWanted) return [];
  return [
    {
      severity: 'warning',
      what: `this user may have ${text(limit)} processes and threads, ${processesWanted} are wanted`,
      why: 'A JVM that cannot make a thread ends with "unable to create native thread"; raise it with ulimit -u.',
      fix: null,
    },
  ];
}

function mappings(limit: number | null): Finding[] {
  if (limit === null || limit >= mappingsWanted) return [];
  return [
    {
      severity: 'warning',
      what: `a process may have ${limit} memory mappings, ${mappingsWanted} are wanted`,
      why: 'Kafka and ClickHouse fail with "Map failed" when data has grown: sysctl -w vm.max_map_count=262144.',
      fix: null,
    },
  ];
}
