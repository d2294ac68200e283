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
const { run, must, row } = cliOf(stack, rigEnvironment());
const cluster = clusterOf(`lambdactl-${stack}`);
const scratch = mkdtempSync(join(tmpdir(), 'lambdactl-kind-'));
/** What the speed layer needs, from the source to the table. */
const speed = ['--only', 'spark'];

/** The lite profile on the rig's node image, with what a test wants to be different. */
function profile(name: string, changes: readonly string[] = []): string {
  const path = join(scratch, `${name}.yaml`);
  const lines = ['extends: lite', 'name: lite', 'kubernetes:', `  kindNodeImage: ${images.node}`, ...changes];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
const plain = profile('plain');

interface Pod {
  metadata: { name: string; namespace: string; uid: string; labels: Record<string, string> };
  status: { containerStatuses?: { restartCount: number; ready: boolean }[] };
}
const pods = async (): Promise<Pod[]> =>
  JSON.parse(await cluster.kubectl('get', 'pods', '-A', '-l', `lambdactl.dev/stack=${stack}`, '-o', 'json')).items;
const uids = async () => Object.fromEntries((await pods()).map(({ metadata }) => [metadata.name, metadata.uid]));
const healthy = () =>
  until(
    async () => (await run('status')).data?.components ?? [],
    (all: { state: string }[]) => all.length > 0 && all.every(({ state }) => state === 'healthy'),
    300_000,
  );

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

// Ordered: one stack through its life.
describe.skipIf(!rigIsBuilt())('the platform on kind', () => {
  const wasUp = pidOfDockerd() !== null;

  beforeAll(async () => {
    await startDockerd();
    await must('up', '--runtime', 'kind', '--profile', plain, '--any-port', '--yes', ...speed);
  });
  afterAll(async () => {
    await run('down', '--volumes', '--yes');
    if (!wasUp) await stopRig();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('has every component healthy, in pods that are ready', async () => {
    const { components } = await must('status');
    expect(components.length).toBeGreaterThanOrEqual(4);
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
    await must('up', '--profile', plain, '--yes', ...speed);
    expect(await uids()).toEqual(before);
  });

  it('shows in ClickHouse every event that was generated, once', async () => {
    await everyEventArrives();
  });

  it('does so with its network policies enforced, and lets nobody else in', async () => {
    expect(await enforcePolicies(cluster)).toBeGreaterThan(0);
    await everyEventArrives();
    // PostgreSQL's flows end at Connect and the jobs: ClickHouse has no business there, nor Kafka in ClickHouse.
    const port = (await must('connections')).connections.find(
      (each: { component: string }) => each.component === 'clickhouse',
    );
    expect(port).toBeDefined();
    const attempt = cluster.kubectl(
      ...['-n', 'data', 'exec', 'kafka-0', '--'],
      ...['timeout', '5', 'bash', '-c', 'exec 3<>/dev/tcp/clickhouse.data.svc/8123'],
    );
    await expect(attempt).rejects.toThrow(/exit code 124/);
  });

  it('loses and doubles nothing when pods are killed under load', async () => {
    const arriving = everyEventArrives('--seed', '7');
    await until(pods, (all) => all.length > 0);
    await cluster.kubectl('-n', 'data', 'delete', 'pod', 'clickhouse-0', '--grace-period=0', '--force');
    await healthy();
    await enforcePolicies(cluster);
    await cluster.kubectl('-n', 'processing', 'delete', 'pod', 'spark-0', '--grace-period=0', '--force');
    await healthy();
    await enforcePolicies(cluster);
    await arriving;
  });

  it('comes back when the node was restarted, with its data', async () => {
    const before = await row('select count() as n from user_events_realtime');
    await cluster.docker('restart', cluster.node);
    await until(
      () => cluster.kubectl('get', 'nodes', '--no-headers').catch(() => ''),
      (text) => / Ready /.test(text),
      180_000,
    );
    await healthy();
    expect(await row('select count() as n from user_events_realtime')).toEqual(before);
    await everyEventArrives();
  });

  it('an upgrade replaces only what differs; one that cannot work names why, and going back heals it', async () => {
    const before = await uids();
    const changed = profile('changed', ['components:', '  registry: { memoryMiB: 384 }']);
    await must('up', '--profile', changed, '--yes', ...speed);
    const after = await uids();
    const replaced = Object.keys(before).filter((name) => before[name] !== after[name]);
    expect(replaced).toEqual(['registry-0']);
    const broken = profile('broken', ['  images:', '    overrides: { registry: nowhere.invalid/registry:1 }']);
    const failed = await run('up', '--profile', broken, '--yes', ...speed);
    expect(failed.error?.code).toBe('IMAGE_PULL');
    expect(failed.error?.message).toContain('nowhere.invalid/registry:1');
    await must('up', '--profile', plain, '--yes', ...speed);
    await healthy();
    await everyEventArrives();
  });

  it('down keeps the volumes, and up finds the data again', async () => {
    const before = await row('select count() as n from user_events_realtime');
    await must('down', '--yes');
    expect(await pods()).toEqual([]);
    await must('up', '--profile', plain, '--yes', ...speed);
    expect(await row('select count() as n from user_events_realtime')).toEqual(before);
  });

  it('down --volumes deletes the cluster that it made', async () => {
    await must('down', '--volumes', '--yes');
    expect(await cluster.docker('ps', '-aq', '--filter', `name=${cluster.node}`)).toBe('');
  });
});
