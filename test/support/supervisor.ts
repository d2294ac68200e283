import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { ServiceSpec } from '../../src/core/service-spec.ts';
import type { Probe, RecordStore, ServiceOrder, SupervisorRecord, Timings } from '../../src/supervisor/options.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { identityOf } from '../../src/system/process.ts';
import { listProcesses, withEnvironment } from '../../src/system/process-table.ts';

/** A directory of its own, removed after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Polls until the value is not null, undefined or false; the test's own timeout ends it. */
export async function until<T>(
  read: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== null && value !== undefined && value !== false) return value;
    await delay(20);
  }
}

/** Healthy while the file of a "file:" url exists; any other url is fetched. */
export const fileProbe: Probe = async (spec, signal) => {
  if (spec.kind !== 'http') throw new Error('not in these tests');
  if (spec.url.startsWith('file:')) readFileSync(spec.url.slice('file:'.length));
  else await fetch(spec.url, { signal });
  return { healthy: true, detail: 'answers', latencyMs: 0 };
};

/** Times that make the same machine run in a fraction of the time. */
export const fastTimings: Partial<Timings> = {
  fastProbeMs: 15,
  backoffBaseMs: 40,
  backoffMaxMs: 200,
  probeTimeoutMs: 500,
  unhealthyRestartMs: 150,
  sampleMs: 200,
  reapGraceMs: 300,
};

/** A service that runs a shell script and is healthy as soon as the script has made `up` in its directory. */
export function shellService(
  dir: string,
  name: string,
  script: string,
  change: Partial<ServiceSpec> = {},
): ServiceSpec {
  return {
    name,
    component: name,
    command: { executable: '/bin/sh', args: ['-c', script], env: {}, cwd: dir },
    prepare: [],
    stopSignal: 'SIGTERM',
    stopGraceMs: 3_000,
    probe: { kind: 'http', url: `file:${dir}/up`, expectStatus: 200 },
    startTimeoutMs: 15_000,
    probeIntervalMs: 30,
    memoryBytes: 0,
    ...change,
  };
}

export const order = (spec: ServiceSpec, specHash = '1'): ServiceOrder => ({
  spec,
  specHash,
  account: { kind: 'own' },
});

export function memoryStore(): RecordStore & { record: SupervisorRecord | null } {
  const store = {
    record: null as SupervisorRecord | null,
    load: async () => store.record,
    save: async (record: SupervisorRecord) => {
      store.record = record;
    },
  };
  return store;
}

/** A supervisor in this process; ended after the test, which then fails if anything of it is left. */
export async function supervisorIn(dir: string, timings: Partial<Timings> = {}): Promise<Supervisor> {
  const store = memoryStore();
  const supervisor = await Supervisor.start({
    version: 'test',
    socketPath: join(dir, 's.sock'),
    logDir: dir,
    store,
    probe: fileProbe,
    timings: { ...fastTimings, ...timings },
  });
  const marker = store.record?.marker ?? 'none';
  onTestFinished(async () => {
    await supervisor.shutdown();
    const left = withEnvironment(marker, listProcesses());
    if (left.length > 0) throw new Error(`left running: ${left.map(({ pid }) => pid).join(' ')}`);
  });
  return supervisor;
}

export const stateOf = (supervisor: Supervisor, name: string) =>
  supervisor.status().services.find((service) => service.name === name);

/** Waits until the service is in the state. */
export const reaches = (supervisor: Supervisor, name: string, state: string) =>
  until(() => {
    const status = stateOf(supervisor, name);
    return status?.state === state && status;
  });

export const isRunning = (pid: number): boolean => identityOf(pid) !== null;

/** The number a script wrote into a file, once it is there. */
export const pidIn = (path: string): Promise<number> =>
  until(() => {
    try {
      return Number(readFileSync(path, 'utf8').trim()) || null;
    } catch {
      return null;
    }
  });

/** A daemon's entry file around the supervisor under test, with the probe of these tests. */
export function daemonScript(dir: string): string {
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../../src', path));
  const script = join(dir, 'daemon.mjs');
  writeFileSync(
    script,
    `import { readFileSync, existsSync } from 'node:fs';
import { runSupervisor } from ${source('supervisor/main.ts')};
import { writeAtomic } from ${source('system/files.ts')};
const dir = ${JSON.stringify(dir)};
const state = dir + '/state.json';
await runSupervisor({
  version: 'test',
  socketPath: dir + '/s.sock',
  logDir: dir,
  store: {
    load: async () => (existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : null),
    save: (record) => writeAtomic(state, JSON.stringify(record)),
  },
  probe: async ({ url }) => {
    readFileSync(url.slice('file:'.length));
    return { healthy: true, detail: 'answers', latencyMs: 0 };
  },
  timings: { ...${JSON.stringify(fastTimings)}, ...JSON.parse(process.argv[2] ?? '{}') },
});
process.exit(0);
`,
  );
  return script;
}
