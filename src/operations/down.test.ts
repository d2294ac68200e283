import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { recordOf, writeKindRecord } from '../runtimes/kubernetes/kind-ownership.ts';
import { type ClusterRef, updateDesired } from '../state/desired.ts';
import { createStackDirs, stackPaths } from '../state/paths.ts';
import { down } from './down.ts';
import { loadProfile } from './profiles.ts';

let home: string;
const signal = new AbortController().signal;
const context = { emit: () => {}, signal };

// Of 131 MB: the first to speak to a cluster waits for it.
beforeAll(async () => void (await import('@kubernetes/client-node')));
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
  vi.stubEnv('KUBECONFIG', join(home, 'kubeconfig'));
  // No container engine answers.
  vi.stubEnv('PATH', home);
  vi.stubEnv('LAMBDACTL_ENGINE', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

async function stackIn(cluster: ClusterRef | null) {
  const paths = stackPaths(home, 's');
  await createStackDirs(paths);
  const profile = await loadProfile('lite');
  await updateDesired(paths, { runtime: cluster === null ? 'embedded' : 'kubernetes', cluster, profile });
  return paths;
}

const volumes = (forget: boolean) => down({ home, stack: 's', volumes: true, forget, confirmed: true }, context);

function kubeconfig(server: string, name = 'staging') {
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': name },
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name, context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(join(home, 'kubeconfig'), JSON.stringify(config));
}

it.each([
  ['whose context is not there any more', 'another', 'CONTEXT_UNKNOWN'],
  ['that does not answer', 'staging', 'CLUSTER_UNREACHABLE'],
])('a cluster %s keeps the stack, until it is told to be forgotten', async (_, name, code) => {
  const { desiredFile } = await stackIn({ context: 'staging', kind: null });
  kubeconfig('http://127.0.0.1:1', name);
  await expect(volumes(false)).rejects.toMatchObject({
    code,
    actions: expect.arrayContaining(['If the cluster is gone for ever: lambdactl down --volumes --forget --stack s']),
  });
  expect(existsSync(desiredFile)).toBe(true);
  const { forgotten, volumesDeleted } = await volumes(true);
  expect({ volumesDeleted, forgotten }).toEqual({
    volumesDeleted: false,
    forgotten: expect.stringContaining('staging'),
  });
  expect(existsSync(desiredFile)).toBe(false);
});

it('forgets a kind cluster whose container engine is gone', async () => {
  const { desiredFile } = await stackIn({ context: 'kind-lambdactl-s', kind: 'lambdactl-s' });
  await writeKindRecord(home, 'lambdactl-s', recordOf('docker', [], []));
  await expect(volumes(false)).rejects.toMatchObject({ code: 'NO_CONTAINER_ENGINE' });
  expect((await volumes(true)).forgotten).toMatch(/container engine/);
  expect(existsSync(desiredFile)).toBe(false);
  expect(existsSync(join(home, 'kind', 'lambdactl-s.json'))).toBe(false);
});

it('forgets nothing where the cluster answers and something else is wrong', async () => {
  const server = createServer((_, answer) => {
    answer.statusCode = 422;
    answer.end(JSON.stringify({ kind: 'Status', reason: 'Invalid', message: 'no' }));
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  try {
    const { desiredFile } = await stackIn({ context: 'staging', kind: null });
    kubeconfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await expect(volumes(true)).rejects.toMatchObject({ code: 'CLUSTER_REFUSED' });
    expect(existsSync(desiredFile)).toBe(true);
  } finally {
    server.close();
  }
});

it('is no way to delete a stack of this machine', async () => {
  const { desiredFile } = await stackIn(null);
  await expect(volumes(true)).rejects.toMatchObject({ code: 'BAD_USAGE', exitCode: 2 });
  expect(existsSync(desiredFile)).toBe(true);
});
