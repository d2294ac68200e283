import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliOf, until } from '../e2e/cli.ts';
import { clusterOf, stopRig } from '../rig/kind/cluster.ts';
import { pidOfDockerd, startDockerd } from '../rig/kind/dockerd.ts';
import { rigEnvironment } from '../rig/kind/paths.ts';
import { enforcePolicies } from '../rig/kind/policies.ts';
import { rigIsBuilt } from '../rig/kind/rig.ts';
import { images } from '../rig/kind/versions.ts';

const stack = 'kindtest';
const { run, must, row } = cliOf(stack, { ...rigEnvironment(), LAMBDACTL_RUNTIME: 'kind' });
const cluster = clusterOf(`lambdactl-${stack}`);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-kind-'));
const date = new Date().toISOString().slice(0, 10);

/** The lite profile on the rig's node image and with TLS, and something else besides. */
function profileWith(name: string, more = ''): string {
  const path = join(scratch, `${name}.yaml`);
  const kubernetes = `kubernetes:\n  kindNodeImage: ${images.node}\n`;
  writeFileSync(path, `extends: lite\nname: lite\ntls: { use: cluster }\n${kubernetes}${more}`);
  return path;
}
const profile = profileWith('lite');
const up = (path = profile) => ['up', '--profile', path, '--yes'];

interface Pod {
  metadata: { name: string; namespace: string; uid: string; labels: Record<string, string> };
  status: { containerStatuses?: { restartCount: number; ready: boolean }[] };
}
/** Of components: a run of a job has an end. */
const selector = `lambdactl.dev/stack=${stack},!lambdactl.dev/run`;
const pods = async (): Promise<Pod[]> =>
  JSON.parse(await cluster.kubectl('get', 'pods', '-A', '-l', selector, '-o', 'json')).items;
const uids = async () => Object.fromEntries((await pods()).map(({ metadata }) => [metadata.name, metadata.uid]));
const healthy = () =>
  until(
    async () => (await run('status')).data?.components ?? [],
    (all: { state: string }[]) => all.length > 0 && all.every(({ state }) => state === 'healthy'),
    300_000,
  );
const rowsInSpeedLayer = () => row('select count() as n from user_events_realtime');

/** Sends events and waits until each of them is in ClickHouse, once. */
async function everyEventArrives(...options: string[]): Promise<void> {
  const sent = await must('generate', '--rate', '1000', '--count', '10000', ...options);
  expect(sent.sent).toBe(10_000);
  const window = `timestamp between parseDateTime64BestEffort('${sent.startTime}', 3) and parseDateTime64BestEffort('${sent.endTime}', 3)`;
  const seen = await until(
    () => row(`select count() as rows, uniqExact(event_id) as ids from user_events_realtime where ${window}`),
    ({ ids }) => Number(ids) >= sent.sent,
    300_000,
  );
  expect({ rows: Number(seen.rows), ids: Number(seen.ids) }).toEqual({ rows: sent.sent, ids: sent.sent });
}

/** Row by row, and knowing that the speed layer had written everything. */
async function layersAgree(): Promise<void> {
  const compared = await must('reconcile', '--date', date);
  const [day] = compared.dates;
  expect([compared.verdict, day.watermarks.speed.passed]).toEqual(['agree', true]);
  const { rows, consistencyPercent } = day.entities.find(({ entity }: { entity: string }) => entity === 'user_events');
  expect(consistencyPercent).toBe(100);
  expect(rows.matching).toBeGreaterThanOrEqual(10_000);
}

// Ordered: one stack through its life.
describe.skipIf(!rigIsBuilt())('the platform on kind', () => {
  const wasUp = pidOfDockerd() !== null;

  beforeAll(async () => {
    await startDockerd();
    await must(...up(), '--any-port');
  });
  afterAll(async () => {
    await run('down', '--volumes', '--yes');
    if (!wasUp) await stopRig();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('has every component healthy, in pods that are ready', async () => {
    const { components } = await must('status');
    expect(components.map(({ component }: { component: string }) => component)).toEqual(
      expect.arrayContaining(['postgres', 'kafka', 'connect', 'registry', 'objectstore', 'warehouse', 'airflow']),
    );
    for (const { name, state } of components) expect(state, name).toBe('healthy');
    for (const { metadata, status } of await pods()) {
      expect(
        status.containerStatuses?.every(({ ready }) => ready),
        metadata.name,
      ).toBe(true);
    }
    expect((await run('health')).exitCode).toBe(0);
  });

  it('run again replaces no pod', async () => {
    const before = await uids();
    await must(...up());
    expect(await uids()).toEqual(before);
  });

  it('shows in ClickHouse every event that was generated, here or in the cluster, once', async () => {
    await must('seed');
    await everyEventArrives();
    await everyEventArrives('--in-cluster');
  });

  it('has both layers agree on a day that Airflow processed, by tasks and jobs in pods', async () => {
    const { state } = await must('dags', 'trigger', 'daily_batch', '--date', date, '--wait');
    expect(state).toBe('success');
    await layersAgree();
  });

  it('works with its network policies enforced, and lets nobody else in', async () => {
    expect(await enforcePolicies(cluster)).toBeGreaterThan(0);
    await everyEventArrives();
    // No flow leads from Kafka to ClickHouse.
    const attempt = cluster.kubectl(
      ...['-n', 'data', 'exec', 'kafka-0', '--'],
      ...['timeout', '5', 'bash', '-c', 'exec 3<>/dev/tcp/clickhouse.data.svc/18123'],
    );
    await expect(attempt).rejects.toThrow(/exit code 124/);
    // The rules are a picture of this moment, and what comes next gives pods other addresses.
    await cluster.docker('exec', cluster.node, 'nft', 'delete', 'table', 'ip', 'policies');
  });

  it('loses and doubles nothing when pods are killed under load', async () => {
    const arriving = everyEventArrives('--seed', '7');
    await until(pods, (all) => all.length > 0);
    await cluster.kubectl('-n', 'data', 'delete', 'pod', 'clickhouse-0', '--grace-period=0', '--force');
    await healthy();
    await cluster.kubectl('-n', 'processing', 'delete', 'pod', 'spark-0', '--grace-period=0', '--force');
    await healthy();
    await arriving;
  });

  it('replaces those pods alone that an upgrade changes, and those again that the way back changes', async () => {
    const spark = ({ 'spark-0': uid }: Record<string, string>) => uid;
    // Airflow's pod is told the profile, for the commands that tasks call.
    const others = ({ 'spark-0': _, 'airflow-0': __, ...rest }: Record<string, string>) => rest;
    const before = await uids();
    await must(...up(profileWith('upgraded', 'speed: { watermarkMinutes: 11 }\n')));
    const upgraded = await uids();
    expect(others(upgraded)).toEqual(others(before));
    expect(spark(upgraded)).not.toBe(spark(before));
    await must(...up());
    expect(others(await uids())).toEqual(others(before));
    await everyEventArrives();
  });

  it('says which image is not to be had, and comes back with the profile of before', async () => {
    const image = 'registry.invalid/lambdactl/registry:none';
    const broken = profileWith('no-image', `  images: { overrides: { registry: ${image} } }\n`);
    const { exitCode, error } = await run(...up(broken));
    expect([exitCode, error?.code]).toEqual([1, 'IMAGE_PULL']);
    expect(error?.message).toContain(image);
    await must(...up());
    await healthy();
  });

  it('says who took more memory than it may, and comes back with the profile of before', async () => {
    const starved = profileWith('starved', 'components:\n  warehouse: { memoryMiB: 64 }\n');
    const { exitCode, error } = await run(...up(starved));
    expect([exitCode, error?.code]).toEqual([1, 'CRASH_LOOP']);
    expect(error?.message).toMatch(/warehouse[\s\S]*memory/);
    await must(...up());
    await healthy();
  });

  it('takes another password of a database while it runs', async () => {
    await must('secrets', 'rotate', 'clickhouse.speed', '--yes');
    await healthy();
    await everyEventArrives();
  });

  it('comes back when the node was restarted, with its data', async () => {
    const before = await rowsInSpeedLayer();
    await cluster.docker('restart', cluster.node);
    await until(
      () => cluster.kubectl('get', 'nodes', '--no-headers').catch(() => ''),
      (text) => / Ready /.test(text),
      180_000,
    );
    await healthy();
    expect(await rowsInSpeedLayer()).toEqual(before);
    await everyEventArrives();
  });

  it('is stopped by down, and comes back with its data, on which both layers agree', async () => {
    const before = await rowsInSpeedLayer();
    await must('down');
    expect(await pods()).toEqual([]);
    await must(...up());
    await healthy();
    expect(await rowsInSpeedLayer()).toEqual(before);
    expect((await must('batch', 'run', '--date', date)).date).toBe(date);
    await layersAgree();
  });
});
