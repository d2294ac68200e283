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

/** The lite profile on the rig's node image. */
const profile = join(scratch, 'kind.yaml');
writeFileSync(profile, `extends: lite\nname: lite\nkubernetes:\n  kindNodeImage: ${images.node}\n`);

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
    await must('up', '--runtime', 'kind', '--profile', profile, '--any-port', '--yes', ...speed);
  });
  afterAll(async () => {
    await run('down', '--volumes', '--yes');
    if (!wasUp) await stopRig();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('has every component healthy, in pods that are ready', async () => {
    const { components } = await must('status');
    expect(components.length).toBeGreaterThanOrEqual(3);
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
    await must('up', '--profile', profile, '--yes', ...speed);
    expect(await uids()).toEqual(before);
  });

  it('shows in ClickHouse every event that was generated, once', async () => {
    await everyEventArrives();
  });

  it('does so with its network policies enforced, and lets nobody else in', async () => {
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
});
