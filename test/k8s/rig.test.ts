import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/supervisor.ts';
import { describeOnCluster, documents, useCluster } from './support.ts';

const pod = (name: string, image: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'main', image, resources: { requests: { cpu: '10m', memory: '16Mi' } } }] },
});

/** Tests of the rig itself: the other tests believe what it shows. */
describeOnCluster('the control plane of the tests', () => {
  const cluster = useCluster({ log: ['first line', 'last line'] });
  const status = async (name: string) =>
    JSON.parse(await cluster().kubectl(['get', 'pod', name, '-n', 'default', '-o', 'json'])).status;

  it('says its version, and knows nobody without rights', async () => {
    const { serverVersion } = JSON.parse(await cluster().kubectl(['version', '-o', 'json']));
    expect(serverVersion.gitVersion).toBe('v1.34.4');
    const nobody = await cluster().kubeconfigAs('nobody');
    const { ok, stderr } = await cluster().tryKubectl(['get', 'pods', '--kubeconfig', nobody]);
    expect(ok).toBe(false);
    expect(stderr).toContain('User "nobody" cannot list resource "pods"');
  });

  it('makes pods ready, or lets them fail as their image says', async () => {
    const fates = {
      good: 'lambdactl/postgres:1',
      gone: 'example.com/missing:1',
      broken: 'lambdactl/crashing:1',
      slow: 'lambdactl/hanging:1',
    };
    const pods = Object.entries(fates).map(([name, image]) => pod(name, image));
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(pods));
    await cluster().kubectl(['wait', '--for=condition=Ready', '--timeout=30s', 'pod/good', '-n', 'default']);
    const waiting = async (name: string) => (await status(name)).containerStatuses?.[0]?.state.waiting?.reason;
    await until(async () => (await waiting('gone')) === 'ImagePullBackOff');
    await until(async () => (await waiting('broken')) === 'CrashLoopBackOff');
    await until(async () => (await status('slow')).phase === 'Running');
    const { conditions } = await status('slow');
    expect(conditions.find(({ type }: { type: string }) => type === 'Ready').status).toBe('False');
  });

  it('has logs of containers', async () => {
    expect(await cluster().kubectl(['logs', 'good', '-n', 'default', '--tail=1'])).toContain('last line');
  });

  it('binds volumes and runs a StatefulSet and jobs to their end', async () => {
    const spec = pod('x', 'lambdactl/kafka:1').spec;
    const labels = { app: 'kafka' };
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
    };
    const set = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'kafka', namespace: 'default' },
      spec: {
        serviceName: 'kafka',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
        volumeClaimTemplates: [claim],
      },
    };
    const job = (name: string, image: string) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: 'default' },
      spec: { backoffLimit: 0, template: { spec: { ...pod('x', image).spec, restartPolicy: 'Never' } } },
    });
    const objects = [set, job('ends', 'lambdactl/spark:1'), job('fails', 'lambdactl/failing:1')];
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(objects));
    const wait = (what: string, on: string) =>
      cluster().kubectl(['wait', `--for=${what}`, '--timeout=60s', on, '-n', 'default']);
    await wait('jsonpath={.status.readyReplicas}=1', 'statefulset/kafka');
    await wait('condition=Complete', 'job/ends');
    await wait('condition=Failed', 'job/fails');
  });
});

describeOnCluster('a port-forward of the rig', () => {
  it('ends at a real server', async () => {
    const server = createServer((_, response) => response.end('from behind'));
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    onTestFinished(() => void server.close());
    const { startControlPlane } = await import('../rig/control-plane/cluster.ts');
    const cluster = await startControlPlane({ forwardTo: (server.address() as AddressInfo).port });
    onTestFinished(() => cluster.stop());
    await cluster.kubectl(['apply', '--server-side', '-f', '-'], documents([pod('web', 'lambdactl/web:1')]));
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=30s', 'pod/web', '-n', 'default']);
    const forward = execa(cluster.rig.bin('kubectl'), ['port-forward', 'pod/web', ':8080', '-n', 'default'], {
      env: cluster.env,
      reject: false,
      buffer: false,
    });
    onTestFinished(() => void forward.kill());
    let output = '';
    forward.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const port = await until(() => /127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? null);
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(await response.text()).toBe('from behind');
  });
});

const describeOnLinux = process.platform === 'linux' ? describeOnCluster : describe.skip;

describeOnLinux('a runner that is killed', () => {
  it('leaves no process, and the next start removes its directory', async () => {
    const script = `
      import { startControlPlane } from ${JSON.stringify(join(import.meta.dirname, '../rig/control-plane/cluster.ts'))};
      const { dir } = await startControlPlane({ volumes: 1 });
      console.log(dir);
      setInterval(() => {}, 1000);`;
    const runner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(runner.stdout, 'data');
    const dir = String(line).trim();
    expect(processesIn(dir).length).toBe(5);
    runner.kill('SIGKILL');
    await until(() => processesIn(dir).length === 0);
    const { makeDirectory, removeDirectory } = await import('../rig/control-plane/own.ts');
    await removeDirectory(await makeDirectory());
    expect(existsSync(dir)).toBe(false);
  });
});

/** Processes whose command line names the directory. */
const processesIn = (dir: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(dir);
    } catch {
      return false;
    }
  });
