import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClusterClient } from '../../src/runtimes/kubernetes/client.ts';
import { observeCluster } from '../../src/runtimes/kubernetes/observe.ts';
import { describeOnCluster, documents, useCluster } from './support.ts';

const scope = { stack: 'second', namespaces: ['default'] };
const never = new AbortController().signal;

const labels = { 'lambdactl.dev/stack': 'second', 'lambdactl.dev/component': 'kafka' };

const podOn = (nodeName: string, name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { nodeName, automountServiceAccountToken: false, containers: [{ name: 'kafka', image: 'lambdactl/kafka:1' }] },
});

const statsOf = (name: string, namespace: string, cpu: object) => ({
  podRef: { name, namespace },
  containers: [{ name: 'kafka', cpu, memory: { workingSetBytes: 64 * 2 ** 20 } }],
});

/** The API server hands nothing on to loopback. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

/** The API server is real and hands the question on; only the kubelet's answer is made up. */
describeOnCluster('memory and CPU without a metrics server', () => {
  const cluster = useCluster({ controllers: false });
  const asked: string[] = [];
  let kubelet: Server;

  beforeAll(async () => {
    const pem = (name: string) => readFileSync(join(cluster().dir, 'pki', name));
    kubelet = createServer({ cert: pem('apiserver.crt'), key: pem('apiserver.key') }, (request, answer) => {
      asked.push(request.url ?? '');
      const rates = { usageNanoCores: 250_000_000, usageCoreNanoSeconds: 3_000_000_000 };
      answer.setHeader('content-type', 'application/json');
      // A pod of that name is there twice: the other one is not of this stack.
      const pods = [statsOf('kafka-0', 'default', rates), statsOf('kafka-0', 'theirs', { usageNanoCores: 1 })];
      answer.end(JSON.stringify({ pods }));
    });
    await new Promise<void>((settle) => kubelet.listen(0, address ?? '127.0.0.1', settle));
    const { port } = kubelet.address() as AddressInfo;
    const nodeAt = (name: string, Port: number) => ({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: {
        addresses: [{ type: 'InternalIP', address: address ?? '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port } },
      },
    });
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } };
    const rights = ['pods', 'statefulsets.apps', 'deployments.apps'].map((each) => `--resource=${each}`);
    // Nothing listens at the second node's address.
    const nodes = [nodeAt('answers', port), nodeAt('silent', 1)];
    const made = [account, ...nodes, podOn('answers', 'kafka-0'), podOn('silent', 'kafka-1')];
    await cluster().kubectl(['create', '-f', '-'], documents(made));
    await cluster().kubectl(['create', 'role', 'reader', '--verb=list', ...rights]);
    await cluster().kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--user=reader']);
  });
  afterAll(() => {
    kubelet.closeAllConnections();
    kubelet.close();
  });

  const usage = async (kubeconfig: string) => {
    const client = await ClusterClient.open(cluster().context, kubeconfig);
    const { services } = await observeCluster(client, scope, 'lite', never);
    return services.map(({ pssBytes, cpuPercent, cpuSeconds }) => ({ pssBytes, cpuPercent, cpuSeconds }));
  };
  const nothing = { pssBytes: null, cpuPercent: null, cpuSeconds: null };

  it.skipIf(address === undefined)(
    'come from the kubelet where the user may ask it; a node that is down keeps only its own',
    async () => {
      const figures = { pssBytes: 64 * 2 ** 20, cpuPercent: 25, cpuSeconds: 3 };
      expect(await usage(cluster().kubeconfig)).toEqual([figures, nothing]);
      expect(asked).toEqual(['/stats/summary?only_cpu_and_memory=true']);
    },
  );

  it('are unknown, and nothing else is, where the user may not', async () => {
    asked.length = 0;
    expect(await usage(await cluster().kubeconfigAs('reader'))).toEqual([nothing, nothing]);
    expect(asked).toEqual([]);
  });
});
