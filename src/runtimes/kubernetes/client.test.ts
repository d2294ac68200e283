import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterClient } from './client.ts';

const never = new AbortController().signal;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Handler = (request: IncomingMessage, answer: ServerResponse) => void;

const core = {
  resources: [
    { name: 'pods', kind: 'Pod', namespaced: true },
    { name: 'pods/log', kind: 'Pod', namespaced: true },
  ],
};

/** A kubeconfig with two contexts: one to a server that answers like this, one to nobody. */
async function kubeconfig(handler: Handler, context = 'here'): Promise<string> {
  const server = createServer((request, answer) => {
    if (request.url === '/api/v1') answer.end(JSON.stringify(core));
    else handler(request, answer);
  });
  servers.push(server);
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  const cluster = (name: string, at: number) => ({
    name,
    cluster: { server: `http://127.0.0.1:${at}`, 'insecure-skip-tls-verify': true },
  });
  const file = join(mkdtempSync(join(tmpdir(), 'lambdactl-t-')), 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster(context, port), cluster('kind-gone', 9)],
    users: [{ name: 'me', user: { token: 'secret' } }],
    contexts: [context, 'kind-gone'].map((name) => ({ name, context: { cluster: name, user: 'me' } })),
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const fail =
  (status: number, message: string, reason = ''): Handler =>
  (_, answer) => {
    answer.statusCode = status;
    answer.end(JSON.stringify({ kind: 'Status', message, reason, code: status }));
  };

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'kafka-0', namespace: 'data' } };

describe('a cluster that answers', () => {
  it('is asked with the login of the kubeconfig; an object that is not there is null', async () => {
    const seen: string[] = [];
    const file = await kubeconfig((request, answer) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      fail(404, 'pods "kafka-0" not found', 'NotFound')(request, answer);
    });
    const client = await ClusterClient.open('here', file);
    expect(await client.read(pod, never)).toBeNull();
    expect(seen).toEqual(['GET /api/v1/namespaces/data/pods/kafka-0 Bearer secret']);
  });

  it('knows no kind that it does not serve', async () => {
    const client = await ClusterClient.open('here', await kubeconfig(fail(404, 'no such group', 'NotFound')));
    const kafka = { apiVersion: 'kafka.strimzi.io/v1', kind: 'Kafka', metadata: { name: 'kafka', namespace: 'data' } };
    expect(await client.serves(kafka.apiVersion, kafka.kind, never)).toBe(false);
    expect(await client.list(kafka, {}, never)).toEqual([]);
    await expect(client.apply(kafka, never)).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
  });

  it('applies as the field manager, by force', async () => {
    let seen: { url: string; type: string; body: string } | undefined;
    const file = await kubeconfig((request, answer) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        seen = { url: request.url ?? '', type: request.headers['content-type'] ?? '', body };
        answer.end(body);
      });
    });
    const client = await ClusterClient.open('here', file);
    await client.apply(pod, never, { dryRun: true });
    expect(seen).toEqual({
      url: '/api/v1/namespaces/data/pods/kafka-0?fieldManager=lambdactl&force=true&dryRun=All',
      type: 'application/apply-patch+yaml',
      body: JSON.stringify(pod),
    });
  });

  it('is told how to delete', async () => {
    let seen = '';
    const file = await kubeconfig((request, answer) => {
      request.on('data', (chunk) => {
        seen += chunk;
      });
      request.on('end', () => answer.end('{}'));
    });
    const client = await ClusterClient.open('here', file);
    expect(await client.remove(pod, 'Orphan', never)).toBe(true);
    expect(JSON.parse(seen)).toMatchObject({ kind: 'DeleteOptions', propagationPolicy: 'Orphan' });
    // The connection is used again: nothing of the first request is left on it.
    expect(await client.remove(pod, 'Background', never)).toBe(true);
  });

  it('is asked again when it is overloaded', async () => {
    let asked = 0;
    const file = await kubeconfig((request, answer) => {
      asked += 1;
      if (asked === 1) fail(429, 'too many requests')(request, answer);
      else answer.end(JSON.stringify(pod));
    });
    const client = await ClusterClient.open('here', file);
    expect(await client.read(pod, never)).toMatchObject(pod);
  });

  it('is left at once when the user interrupts', async () => {
    const client = await ClusterClient.open('here', await kubeconfig(() => {}));
    const stop = new AbortController();
    const asked = client.read(pod, stop.signal);
    setTimeout(() => stop.abort(new Error('Ctrl-C')), 50);
    await expect(asked).rejects.toThrow('Ctrl-C');
  });
});

describe('a cluster that does not', () => {
  it.each([
    [
      fail(
        403,
        'pods "kafka-0" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "data"',
        'Forbidden',
      ),
      { code: 'CLUSTER_FORBIDDEN', message: 'Context here: "jane" may not get pods in namespace data.' },
    ],
    [
      fail(
        403,
        'pods "kafka-0" is forbidden: exceeded quota: small, requested: requests.memory=1Gi, used: 0, limited: 512Mi',
      ),
      { code: 'QUOTA', details: { quota: 'small' } },
    ],
    [
      fail(
        403,
        'pods "kafka-0" is forbidden: violates PodSecurity "restricted:latest": privileged (container "x" must not set)',
      ),
      { code: 'POD_SECURITY', details: { level: 'restricted:latest' } },
    ],
    [fail(401, 'Unauthorized', 'Unauthorized'), { code: 'CLUSTER_LOGIN' }],
    [fail(422, 'Pod "kafka-0" is invalid: spec: Required value', 'Invalid'), { code: 'CLUSTER_REFUSED' }],
  ])('says why, and what to do', async (handler, expected) => {
    const client = await ClusterClient.open('here', await kubeconfig(handler));
    const error = client.read(pod, never);
    await expect(error).rejects.toMatchObject(expected);
    await expect(error).rejects.toMatchObject({ actions: expect.arrayContaining([expect.any(String)]) });
  });

  it('is named with its address and, made by kind, with its node', async () => {
    const client = await ClusterClient.open('kind-gone', await kubeconfig(() => {}));
    await expect(client.read(pod, never)).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringContaining('http://127.0.0.1:9'),
      actions: [expect.stringContaining('gone-control-plane'), 'kubectl --context kind-gone get nodes'],
    });
  });

  it('is never guessed: the context must be there', async () => {
    const file = await kubeconfig(() => {});
    await expect(ClusterClient.open('elsewhere', file)).rejects.toMatchObject({
      code: 'CONTEXT_UNKNOWN',
      details: { known: ['here', 'kind-gone'] },
    });
    writeFileSync(file, '{ not yaml');
    await expect(ClusterClient.open('here', file)).rejects.toMatchObject({ code: 'KUBECONFIG_BROKEN' });
  });
});
