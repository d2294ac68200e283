import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Consumer } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliOf, until } from '../e2e/cli.ts';
import { clusterOf, stopRig } from '../rig/kind/cluster.ts';
import { pidOfDockerd, startDockerd } from '../rig/kind/dockerd.ts';
import { chartsOfModules, cloudNativePgManifest, operatorImages } from '../rig/kind/operators.ts';
import { paths, rigEnvironment } from '../rig/kind/paths.ts';
import { enforcePolicies } from '../rig/kind/policies.ts';
import { operatorsAreBuilt } from '../rig/kind/rig.ts';
import { images } from '../rig/kind/versions.ts';

const stack = 'opstest';
const rig = rigEnvironment();
// With helm and kubeseal.
const { run, must, row } = cliOf(stack, { ...rig, PATH: `${paths.operatorBin}:${rig.PATH}` });
const cluster = clusterOf(`lambdactl-${stack}`);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-operators-'));
const profile = join(scratch, 'operators.yaml');

/** PostgreSQL and Spark by their operators; those of the others cannot be built here. */
const profileWith = (charts: Readonly<Record<string, string>>) => ({
  extends: 'lite',
  name: 'lite',
  kubernetes: {
    kindNodeImage: images.node,
    delivery: { postgres: 'operator', spark: 'operator' },
    charts: { 'cloudnative-pg': 'installed', ...charts },
  },
});
const up = (...components: string[]) =>
  must(
    ...['up', '--runtime', 'kind', '--profile', profile, '--any-port', '--yes'],
    ...components.flatMap((component) => ['--only', component]),
  );

const sql = (statement: string) => {
  const psql = ['psql', '-U', 'postgres', '-d', 'shop', '-Atc', statement];
  return cluster.kubectl('-n', 'data', 'exec', 'postgres-1', '-c', 'postgres', '--', ...psql);
};
const read = async (namespace: string, object: string) =>
  JSON.parse(await cluster.kubectl('-n', namespace, 'get', object, '-o', 'json'));

/** Sum of the end offsets of topics. */
async function recordsIn(topics: readonly string[]): Promise<number> {
  const { connections } = await must('connections');
  const { url } = connections.find((each: { component: string }) => each.component === 'kafka');
  const bootstrapBrokers = url.replace(/^kafka:\/\//, '').split(',');
  const consumer = new Consumer({ groupId: `operators-${process.pid}`, clientId: 'operators', bootstrapBrokers });
  try {
    const ends = await consumer.listOffsets({ topics: [...topics] });
    return [...ends.values()].flat().reduce((sum, offset) => sum + Number(offset), 0);
  } finally {
    await consumer.close(true);
  }
}

/** Sends events and waits until each of them is in ClickHouse, once. */
async function everyEventArrives(): Promise<void> {
  const sent = await must('generate', '--rate', '1000', '--count', '5000');
  const window = `timestamp between parseDateTime64BestEffort('${sent.startTime}', 3) and parseDateTime64BestEffort('${sent.endTime}', 3)`;
  const seen = await until(
    () => row(`select count() as rows, uniqExact(event_id) as ids from user_events_realtime where ${window}`),
    ({ ids }) => Number(ids) >= sent.sent,
    300_000,
  );
  expect({ rows: Number(seen.rows), ids: Number(seen.ids) }).toEqual({ rows: sent.sent, ids: sent.sent });
}

/** The operator of CloudNativePG from its own release; its images are there already, and cannot be pulled. */
async function installCloudNativePg(): Promise<void> {
  const manifest = readFileSync(await cloudNativePgManifest(), 'utf8');
  const present = manifest.replaceAll('imagePullPolicy: Always', 'imagePullPolicy: IfNotPresent');
  await cluster.feed(present, 'apply', '--server-side', '--force-conflicts', '-f', '-');
  await rolledOut('cnpg-system', 'cnpg-controller-manager');
}

const rolledOut = (namespace: string, deployment: string) =>
  cluster.kubectl('-n', namespace, 'rollout', 'status', `deployment/${deployment}`, '--timeout', '300s');

// Ordered: one stack through its life.
describe.skipIf(!operatorsAreBuilt())('upstream operators on kind', () => {
  const wasUp = pidOfDockerd() !== null;

  beforeAll(async () => {
    await startDockerd();
    // Makes the cluster: images and operator have to be there before charts and custom resources ask for them.
    writeFileSync(profile, JSON.stringify(profileWith({ 'sealed-secrets': 'installed' })));
    await up('kafka');
    for (const image of Object.values(operatorImages)) await cluster.loadImage(image);
    await installCloudNativePg();
    writeFileSync(profile, JSON.stringify(profileWith(await chartsOfModules())));
    await up('spark', 'connect');
  });
  afterAll(async () => {
    await run('down', '--volumes', '--yes');
    if (!wasUp) await stopRig();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('CloudNativePG brings up PostgreSQL as declared: settings, databases, roles, publication', async () => {
    expect((await read('data', 'cluster/postgres')).status.phase).toBe('Cluster in healthy state');
    expect(await sql('show wal_level')).toBe('logical');
    const databases = await sql('select datname from pg_database where not datistemplate order by 1');
    expect(databases.split('\n')).toEqual(['airflow', 'lake', 'postgres', 'registry', 'shop']);
    const replicating = await sql('select rolname from pg_roles where rolreplication order by 1');
    expect(replicating.split('\n')).toEqual(['debezium', 'postgres', 'streaming_replica']);
    expect(await sql('select pubname from pg_publication')).toBe('lambda_cdc');
    // Provisioning makes the tables; the operator tries again after a while.
    await until(
      async () => (await read('data', 'publication/postgres-cdc')).status.applied,
      (applied) => applied === true,
    );
  });

  it('Debezium reads every change of it', async () => {
    const seeded = await must('seed');
    const { inserted, updated, deleted } = await must('generate', 'cdc', '--rate', '50', '--count', '300');
    const rows = seeded.tables.reduce((sum: number, table: { written: number }) => sum + table.written, 0);
    const topics = ['users', 'products', 'transactions'].map((table) => `cdc.postgres.${table}`);
    const wanted = rows + inserted + updated + deleted;
    await until(
      () => recordsIn(topics),
      (records) => records >= wanted,
      180_000,
    );
    expect(await recordsIn(topics)).toBe(wanted);
  });

  it('the Spark operator runs the speed job, and its rows are in ClickHouse, once', async () => {
    const { status } = await read('processing', 'sparkapplication/spark');
    expect(status).toMatchObject({ applicationState: { state: 'RUNNING' }, driverInfo: { podName: 'spark-driver' } });
    await everyEventArrives();
  });

  it('submits the driver again when its pod is gone; nothing is lost or doubled', async () => {
    const uid = async (): Promise<string> => (await read('processing', 'pod/spark-driver')).metadata.uid;
    const before = await uid();
    await cluster.kubectl('-n', 'processing', 'delete', 'pod', 'spark-driver', '--grace-period=0', '--force');
    await until(
      () => uid().catch(() => before),
      (now) => now !== before,
      300_000,
    );
    await everyEventArrives();
  });

  it('what was sealed for the cluster becomes a Secret in it', async () => {
    const output = join(scratch, 'sealed');
    await rolledOut('data', 'sealed-secrets');
    await must('secrets', 'seal', '--name', 'generated', '--output', output, '--yes');
    // Of a component that does not run here: nobody else has made this Secret.
    await cluster.kubectl('apply', '-f', join(output, 'data-registry-env.yaml'));
    const secret = await until(
      () => read('data', 'secret/registry-env').catch(() => null),
      (found) => found !== null,
    );
    const { data } = await read('data', 'secret/postgres-login-registry');
    expect(secret.data.APICURIO_DATASOURCE_PASSWORD).toBe(data.password);
  });

  it('network policies let the operator to its instance, and nobody else', async () => {
    expect(await enforcePolicies(cluster)).toBeGreaterThan(0);
    // Connections that are open pass in any case: those to the instance's manager are forgotten.
    const forget = ['conntrack', '-D', '-p', 'tcp', '--dport', '8000'];
    await cluster.docker('exec', cluster.node, 'bash', '-c', `${forget.join(' ')} || true`);
    const attempt = cluster.kubectl(
      ...['-n', 'data', 'exec', 'kafka-0', '-c', 'kafka', '--'],
      ...['timeout', '5', 'bash', '-c', 'exec 3<>/dev/tcp/postgres.data.svc/5432'],
    );
    await expect(attempt).rejects.toThrow(/exit code 124/);
    // A changed Cluster makes it ask the instance, and say in the Cluster what it heard; by the pod we see that it was at work.
    const patch = '{"spec":{"inheritedMetadata":{"annotations":{"lambdactl.dev/test":"seen"}}}}';
    await cluster.kubectl('-n', 'data', 'patch', 'cluster/postgres', '--type', 'merge', '-p', patch);
    await until(
      async () => (await read('data', 'pod/postgres-1')).metadata.annotations?.['lambdactl.dev/test'],
      (seen) => seen === 'seen',
      180_000,
    );
    await everyEventArrives();
    expect((await read('data', 'cluster/postgres')).status.phase).toBe('Cluster in healthy state');
    // The rules are a picture of this moment.
    await cluster.docker('exec', cluster.node, 'nft', 'delete', 'table', 'ip', 'policies');
  });
});
