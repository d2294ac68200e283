import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { catalogue } from '../../src/components/catalogue.ts';
import { dependenciesOf } from '../../src/components/contract.ts';
import { lakeJob } from '../../src/components/spark/lake-job.ts';
import { LambdaError } from '../../src/core/errors.ts';
import type { OperationEvent } from '../../src/core/events.ts';
import { inDependencyOrder } from '../../src/core/graph.ts';
import { loadProfile } from '../../src/operations/profiles.ts';
import type { Profile } from '../../src/platform/profile.ts';
import type { LogLine, Runtime } from '../../src/runtimes/contract.ts';
import { recordOf, writeKindRecord } from '../../src/runtimes/kubernetes/kind-ownership.ts';
import { createKubernetesRuntime } from '../../src/runtimes/kubernetes/runtime.ts';
import { updateDesired } from '../../src/state/desired.ts';
import { createStackDirs, stackPaths } from '../../src/state/paths.ts';
import { ensureSecrets } from '../../src/state/secrets.ts';
import { describeOnCluster, useCluster } from './support.ts';

const projectRoot = join(import.meta.dirname, '../..');
const never = new AbortController().signal;

/** Where every port-forward of this cluster ends: what answers is a real server, only that it stands in for all of them. */
async function listenAnywhere(): Promise<{ server: Server; port: number }> {
  const server = createServer((_, answer) => answer.end('reached'));
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  return { server, port: (server.address() as AddressInfo).port };
}

const behind = await listenAnywhere();
afterAll(() => {
  behind.server.closeAllConnections();
  behind.server.close();
});

describeOnCluster('a stack in a cluster', () => {
  const cluster = useCluster({ forwardTo: behind.port, log: ['O {"rows":7}', 'E a warning of the job'] });
  const home = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
  const paths = stackPaths(home, 'second');
  const events: OperationEvent[] = [];
  const context = { emit: (event: OperationEvent) => void events.push(event), signal: never };
  const noHelm = async (): Promise<string> => {
    throw new LambdaError('helm was not found', { code: 'TOOL_MISSING', category: 'preflight' });
  };
  let profile: Profile;
  let ports: Readonly<Record<string, number>> = {};

  const open = (imageTag = 'aaaaaaaaaaaa', kind: string | null = null): Runtime =>
    createKubernetesRuntime({
      ...{ home, stack: 'second', projectRoot, components: catalogue },
      cluster: { context: cluster().context, kind },
      kubeconfig: cluster().kubeconfig,
      imageTag: async () => imageTag,
      helm: noHelm,
    });

  async function startAll(runtime: Runtime): Promise<void> {
    const names = catalogue.map(({ name }) => name);
    const needs = (name: string) => {
      const definition = catalogue.find((each) => each.name === name);
      return definition === undefined ? [] : dependenciesOf(definition, profile);
    };
    for (const name of inDependencyOrder(names, needs)) await runtime.start(name, context);
  }

  const items = async (kinds: string): Promise<{ metadata: { name: string; generation?: number } }[]> =>
    JSON.parse(await cluster().kubectl(['get', kinds, '-A', '-l', 'lambdactl.dev/stack=second', '-o', 'json'])).items;

  beforeAll(async () => {
    profile = await loadProfile('lite');
    await createStackDirs(paths);
    const needs = catalogue.flatMap((definition) => definition.ports(profile));
    // Of the range that other tests leave alone.
    ports = Object.fromEntries(needs.map(({ id }, index) => [id, 28_600 + index]));
    await ensureSecrets(
      paths,
      catalogue.flatMap(({ credentials }) => credentials),
    );
    await updateDesired(paths, {
      ...{ runtime: 'kubernetes', cluster: { context: 'rig', kind: null }, profile, ports },
      components: catalogue.map(({ name }) => name),
    });
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('comes up component by component; what nothing needs is told and stops nobody', async () => {
    await startAll(open());
    const { services, supervisorPid } = await open().observe();
    expect(supervisorPid).toBeNull();
    const instances = catalogue.flatMap((definition) => definition.instances(profile));
    expect(services.map(({ name }) => name).toSorted()).toEqual(instances.toSorted());
    expect(services.filter(({ state, startedAt }) => state !== 'healthy' || startedAt === null)).toEqual([]);
    expect(events).toContainEqual({
      type: 'warning',
      message: expect.stringContaining('sealed-secrets is not installed: helm'),
    });
  }, 180_000);

  it('is as desired: a second run changes nothing, and the plan says so', async () => {
    const before = await items('statefulsets,services,networkpolicies');
    await startAll(open());
    expect(await items('statefulsets,services,networkpolicies')).toEqual(before);
    const plan = await open().plan({ stack: 'second', profile, components: catalogue });
    expect(plan.filter(({ action }) => action !== 'keep')).toEqual([]);
    const newer = await open('bbbbbbbbbbbb').plan({ stack: 'second', profile, components: catalogue });
    expect(new Set(newer.map(({ action, reason }) => `${action}: ${reason}`))).toEqual(
      new Set(['restart: its configuration changed']),
    );
  }, 180_000);

  it('is reached on ports of this machine, also by a second command, and inside under its own names', async () => {
    const [first, second] = [open(), open()];
    const { url, host, port } = await first.endpoint('registry', 'http');
    expect(host).toBe('127.0.0.1');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('reached');
    expect((await second.endpoint('registry', 'http')).url).toBe(url);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('reached');
    expect((await first.inside('registry', 'http')).host).toBe('registry.data.svc');
    expect((await first.inside('postgres', 'sql')).port).toBe(
      catalogue.find(({ name }) => name === 'postgres')?.ports(profile)[0]?.preferred,
    );
  });

  it('is reached by a forward where a kind cluster was made without the port, and only there', async () => {
    const mapped = ports['clickhouse.http'] ?? 0;
    await writeKindRecord(home, 'older', recordOf('docker', [], [mapped]));
    const runtime = open('aaaaaaaaaaaa', 'older');
    const { port } = await runtime.endpoint('objectstore', 's3');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('reached');
    expect((await runtime.endpoint('clickhouse', 'http')).port).toBe(mapped);
    await expect(fetch(`http://127.0.0.1:${mapped}/`)).rejects.toThrow();
  });

  it('has logs, of all components or of some, with what they match', async () => {
    const read = async (query: { components?: string[]; grep?: RegExp }) => {
      const lines: LogLine[] = [];
      for await (const line of open().logs({ follow: false, ...query }, never)) lines.push(line);
      return lines;
    };
    expect(
      (await read({ components: ['airflow'], grep: /warning/ })).map(({ component }) => component).toSorted(),
    ).toEqual(['airflow-api', 'airflow-dag-processor', 'airflow-scheduler'].toSorted());
    expect(await read({ components: ['airflow-api'] })).toHaveLength(2);
  });

  it('runs a job, tells its output from its log, and leaves nothing behind', async () => {
    const told: string[] = [];
    const { exitCode, lines, errorTail } = await open().run(
      lakeJob,
      { args: ['tables'], onLine: (line) => told.push(line) },
      context,
    );
    expect({ exitCode, lines, errorTail }).toEqual({
      exitCode: 0,
      lines: ['{"rows":7}'],
      errorTail: 'a warning of the job',
    });
    expect(told).toEqual(lines);
    await expect
      .poll(async () =>
        (await items('jobs,secrets,configmaps')).filter(({ metadata }) => metadata.name.startsWith('lake-')),
      )
      .toEqual([]);
    await expect(open().run(lakeJob, { args: ['append', join(paths.stackDir, 'x')] }, context)).rejects.toMatchObject({
      code: 'NOT_HERE',
    });
  });

  it('is interrupted at once, and goes on where it was', async () => {
    const stop = new AbortController();
    // The first word comes when everything is applied and nothing is ready.
    const emit = () => stop.abort(new Error('Ctrl-C'));
    const going = open('cccccccccccc').start('kafka', { emit, signal: stop.signal });
    await expect(going).rejects.toThrow('Ctrl-C');
    await open('cccccccccccc').start('kafka', context);
    expect((await open().observe()).services.find(({ name }) => name === 'kafka')?.state).toBe('healthy');
  });

  it('stops keeping data, and starts again', async () => {
    const claims = await items('persistentvolumeclaims');
    // Left by a starter that was killed.
    const processing = ['-n', 'processing'];
    await cluster().kubectl([...processing, 'create', 'job', 'lake-left', '--image=none.invalid/none']);
    const labels = ['lambdactl.dev/stack=second', 'lambdactl.dev/run=left'];
    await cluster().kubectl([...processing, 'label', 'job', 'lake-left', ...labels]);
    await open().stop(undefined, context);
    expect(await items('jobs')).toEqual([]);
    const { services } = await open().observe();
    expect(new Set(services.map(({ state }) => state))).toEqual(new Set(['stopped']));
    expect(await items('pods')).toEqual([]);
    expect((await items('persistentvolumeclaims')).map(({ metadata }) => metadata.name)).toEqual(
      claims.map(({ metadata }) => metadata.name),
    );
    await open().start('postgres', context);
    expect((await open().observe()).services.find(({ name }) => name === 'postgres')?.state).toBe('healthy');
  }, 120_000);

  it('goes with everything that it made, and with nothing else', async () => {
    const guards = 'validatingadmissionpolicies,validatingadmissionpolicybindings';
    expect(await items(guards)).toHaveLength(4);
    await cluster().kubectl(['create', 'namespace', 'theirs']);
    await cluster().kubectl(['create', 'configmap', 'theirs', '-n', 'theirs']);
    await open().destroy(context);
    expect(await items('statefulsets,services,secrets,configmaps,pvc,networkpolicies,serviceaccounts')).toEqual([]);
    expect(await items(guards)).toEqual([]);
    const namespaces = await cluster().kubectl(['get', 'namespaces', '-o', 'jsonpath={.items[*].metadata.name}']);
    expect(namespaces.split(' ')).toContain('theirs');
    expect(namespaces.split(' ')).not.toContain('data');
    expect((await open().observe()).services).toEqual([]);
  }, 120_000);
});
