import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPrograms, type Programs } from '../../../test/support/programs.ts';
import { loadProfile } from '../../operations/profiles.ts';
import type { Profile } from '../../platform/profile.ts';
import { deleteKindCluster, ensureKindCluster, type KindRequest } from './kind.ts';
import { kindConfig } from './kind-config.ts';
import { tooLittleMemory } from './kind-errors.ts';

/**
 * docker and kind as far as they are seen from here: one file a node's container in $STATE, holding its id, whether it runs, its ports and
 * its label. What the real ones do with the same calls is shown by test/kind.
 */
const docker = `
case "$1" in
info) echo '{"ServerVersion":"28.2.2","MemTotal":34359738368,"NCPU":4,"Architecture":"x86_64","SecurityOptions":[]}' ;;
ps) ls "$STATE/nodes" 2>/dev/null || true ;;
inspect)
  shift; first=yes; printf '['
  for name in "$@"; do
    [ $first = yes ] || printf ','; first=no
    . "$STATE/nodes/$name"
    printf '{"Id":"%s","Name":"/%s","State":{"Running":%s},"Config":{"Labels":{"io.x-k8s.kind.role":"%s"}},"HostConfig":{"PortBindings":{%s}}}' "$id" "$name" "$running" "$role" "$bindings"
  done
  printf ']\\n' ;;
start) shift; for name in "$@"; do . "$STATE/nodes/$name"; printf "id=%s running=true role=%s bindings='%s' label=%s\\n" "$id" "$role" "$bindings" "$label" > "$STATE/nodes/$name"; done ;;
exec)
  . "$STATE/nodes/$2"
  case "$*" in *readyz*) echo ok ;; *jsonpath*) echo "$label" ;; esac ;;
*) echo "docker: $*" >&2; exit 64 ;;
esac`;

const kind = `
echo "$*" >> "$STATE/calls"
case "$1 $2" in
'version ') echo 'kind v0.33.0 go1.25.1 linux/amd64' ;;
'create cluster')
  cp "$6" "$STATE/config.json"
  [ ! -e "$STATE/fail" ] || { cat "$STATE/fail" >&2; exit 1; }
  mkdir -p "$STATE/nodes"
  bindings='"6443/tcp":[{"HostIp":"127.0.0.1","HostPort":"43210"}]'
  for port in $(grep -o '"hostPort": [0-9]*' "$6" | grep -o '[0-9]*'); do
    bindings="$bindings,\\"$port/tcp\\":[{\\"HostIp\\":\\"127.0.0.1\\",\\"HostPort\\":\\"$port\\"}]"
  done
  echo "id=c0ffee running=true role=control-plane bindings='$bindings' label=" > "$STATE/nodes/$4-control-plane"
  if [ -e "$STATE/hang" ]; then touch "$STATE/hanging"; exec sleep 30; fi
  printf 'current-context: kind-%s\\ncontexts:\\n- name: kind-%s\\n- name: production\\n' "$4" "$4" > "$KUBECONFIG" ;;
'delete cluster') rm -rf "$STATE/nodes" ;;
'export kubeconfig') printf 'current-context: kind-%s\\ncontexts:\\n- name: kind-%s\\n' "$4" "$4" > "$KUBECONFIG" ;;
*) echo "kind: $*" >&2; exit 64 ;;
esac`;

let programs: Programs;
let place: string;
let profile: Profile;
let request: KindRequest;
const said: string[] = [];
const steps: string[] = [];
const context = {
  emit: (event: { type: string; message?: string; title?: string }) => {
    if (event.message !== undefined) said.push(event.message);
    // Who makes a cluster tells of it as a step; a second one for the same would be a second line.
    if (event.type === 'step') steps.push(event.title ?? '');
  },
  signal: new AbortController().signal,
};

beforeEach(async () => {
  programs = openPrograms();
  place = mkdtempSync(join(tmpdir(), 'lambdactl-kind-'));
  said.length = 0;
  steps.length = 0;
  vi.stubEnv('PATH', programs.path);
  vi.stubEnv('KUBECONFIG', join(place, 'kubeconfig'));
  for (const name of ['LAMBDACTL_ENGINE', 'LAMBDACTL_KIND', 'DOCKER_HOST']) vi.stubEnv(name, '');
  programs.add('docker', docker);
  programs.add('kind', kind);
  profile = await loadProfile('lite');
  const projectRoot = join(import.meta.dirname, '../../..');
  const ports = [{ hostPort: await freePort(), nodePort: 30003 }];
  request = { name: 'lambdactl-t', home: join(place, 'home'), projectRoot, profile, ports };
});
afterEach(() => {
  vi.unstubAllEnvs();
  programs.remove();
  rmSync(place, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** A node as the programs keep it. */
function nodeText(given: { id?: string; running?: boolean; ports?: readonly number[]; label?: string }) {
  const { id = 'c0ffee', running = true, label = '' } = given;
  const ports = given.ports ?? request.ports.map(({ hostPort }) => hostPort);
  const bindings = ports.map((port) => `"${port}/tcp":[{"HostIp":"127.0.0.1","HostPort":"${port}"}]`).join(',');
  return `id=${id} running=${running} role=control-plane bindings='${bindings}' label=${label}\n`;
}
const nodesDirectory = () => join(programs.state, 'nodes');
const nodeFile = () => join(nodesDirectory(), 'lambdactl-t-control-plane');
function stands(given: Parameters<typeof nodeText>[0] = {}) {
  mkdirSync(nodesDirectory(), { recursive: true });
  writeFileSync(nodeFile(), nodeText(given));
}
const calls = () =>
  readFileSync(join(programs.state, 'calls'), 'utf8')
    .split('\n')
    .map((line) => line.split(' ').slice(0, 2).join(' '))
    .filter((call) => call !== '' && call !== 'version');

describe('ensureKindCluster', () => {
  it('makes the cluster once and knows it again', async () => {
    expect(await ensureKindCluster(request, context)).toEqual({
      context: 'kind-lambdactl-t',
      created: true,
      engine: expect.stringMatching(/^docker \d/),
      nodes: 1,
      unmapped: [],
    });
    expect(await ensureKindCluster(request, context)).toMatchObject({ created: false, unmapped: [] });
    expect(calls()).toEqual(['create cluster']);
    expect(steps).toEqual([]);
    const config = JSON.parse(readFileSync(join(programs.state, 'config.json'), 'utf8'));
    expect(config.nodes[0].extraPortMappings[0]).toMatchObject({ containerPort: 30003, listenAddress: '127.0.0.1' });
  });

  it('leaves the context current that was so before', async () => {
    writeFileSync(join(place, 'kubeconfig'), 'current-context: production\n', { mode: 0o600 });
    await ensureKindCluster(request, context);
    const text = readFileSync(join(place, 'kubeconfig'), 'utf8');
    expect(text).toContain('current-context: "production"');
    expect(text).toContain('name: kind-lambdactl-t');
  });

  it('tells which ports an older cluster does not map', async () => {
    await ensureKindCluster(request, context);
    const later = { hostPort: request.ports[0]?.hostPort ?? 0, nodePort: 30003 };
    const added = { hostPort: 40123, nodePort: 30004 };
    expect(await ensureKindCluster({ ...request, ports: [later, added] }, context)).toMatchObject({
      unmapped: [added],
    });
  });

  it('refuses a cluster of that name that it did not make, and does not touch it', async () => {
    stands({ id: 'somebody' });
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({ code: 'KIND_NAME_TAKEN', exitCode: 20 });
    await expect(deleteKindCluster(request, context)).rejects.toMatchObject({ code: 'KIND_NAME_TAKEN' });
    expect(existsSync(nodeFile())).toBe(true);
  });

  it('refuses one that was made anew by somebody else under the same name', async () => {
    await ensureKindCluster(request, context);
    stands({ id: 'another' });
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({ code: 'KIND_NAME_TAKEN' });
  });

  it('knows its own by the label on the node where the record is lost', async () => {
    await ensureKindCluster(request, context);
    const config = JSON.parse(readFileSync(join(programs.state, 'config.json'), 'utf8'));
    rmSync(join(request.home, 'kind', 'lambdactl-t.json'));
    stands({ label: config.nodes[0].labels['lambdactl.dev/home'] });
    expect(await ensureKindCluster(request, context)).toMatchObject({ created: false });
  });

  it('removes what an interrupted creation left and makes it again', async () => {
    writeFileSync(join(programs.state, 'hang'), '');
    const interrupt = new AbortController();
    const half = ensureKindCluster(request, { emit: context.emit, signal: interrupt.signal });
    await vi.waitFor(() => expect(existsSync(join(programs.state, 'hanging'))).toBe(true), { timeout: 10_000 });
    interrupt.abort(new Error('Ctrl-C'));
    await expect(half).rejects.toThrow('Ctrl-C');
    expect(existsSync(nodeFile())).toBe(true);
    rmSync(join(programs.state, 'hang'));
    expect(await ensureKindCluster(request, context)).toMatchObject({ created: true });
    expect(calls()).toEqual(['create cluster', 'delete cluster', 'create cluster']);
    expect(said.join('\n')).toContain('interrupted creation');
  });

  it('does not take a cluster with other ports for the one whose creation was interrupted', async () => {
    writeFileSync(join(programs.state, 'fail'), 'ERROR: failed to create cluster: something\n');
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({ code: 'KIND_CREATE_FAILED' });
    stands({ id: 'somebody', ports: [8080] });
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({ code: 'KIND_NAME_TAKEN' });
  });

  it('starts nodes that stand still', async () => {
    await ensureKindCluster(request, context);
    stands({ running: false });
    expect(await ensureKindCluster(request, context)).toMatchObject({ created: false });
    expect(readFileSync(nodeFile(), 'utf8')).toContain('running=true');
  });

  it('brings the context back into a kubeconfig that lost it', async () => {
    await ensureKindCluster(request, context);
    writeFileSync(join(place, 'kubeconfig'), 'current-context: production\ncontexts: []\n');
    await ensureKindCluster(request, context);
    expect(readFileSync(join(place, 'kubeconfig'), 'utf8')).toContain('kind-lambdactl-t');
  });

  it('names who holds a port before it makes anything', async () => {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(request.ports[0]?.hostPort, '127.0.0.1', ready));
    try {
      await expect(ensureKindCluster(request, context)).rejects.toMatchObject({
        code: 'PORT_BUSY',
        message: expect.stringContaining(`pid ${process.pid}`),
      });
    } finally {
      server.close();
    }
    expect(existsSync(nodesDirectory())).toBe(false);
  });

  it('says that no engine answers, and what of kind is missing', async () => {
    programs.add('docker', 'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1');
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({
      code: 'NO_CONTAINER_ENGINE',
      exitCode: 20,
    });
    programs.add('docker', docker);
    rmSync(join(programs.directory, 'bin', 'kind'));
    await expect(ensureKindCluster(request, context)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });

  it.each([
    [
      'ERROR: failed to create cluster: failed to pull image "kindest/node:v1.34.0": command failed',
      /failed to pull image/,
      /mirror/,
    ],
    [
      'ERROR: failed to create cluster: command "docker run" failed with error: exit status 125\nCommand Output: Bind for 127.0.0.1:18080 failed: port is already allocated.',
      /18080 failed: port is already allocated/,
      /--any-port/,
    ],
    [
      'ERROR: failed to create cluster: could not find a log line that matches "Reached target"',
      /did not come up/,
      /inotify/,
    ],
    [
      'ERROR: failed to create cluster: failed to init node with kubeadm: exit status 1',
      /did not start in the node/,
      /memory/,
    ],
  ])('explains %s', async (words, message, action) => {
    writeFileSync(join(programs.state, 'fail'), words);
    const failure = await ensureKindCluster(request, context).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'KIND_CREATE_FAILED', message: expect.stringMatching(message) });
    expect(failure).toMatchObject({ actions: expect.arrayContaining([expect.stringMatching(action)]) });
  });
});

it('deletes only its own cluster, with its record', async () => {
  expect(await deleteKindCluster(request, context)).toBe(false);
  await ensureKindCluster(request, context);
  expect(await deleteKindCluster(request, context)).toBe(true);
  expect(existsSync(nodesDirectory())).toBe(false);
  expect(readdirSync(join(request.home, 'kind'))).toEqual([]);
});

it('asks kind for workers, a node image and a way to a registry of this machine where the profile wants them', async () => {
  const wanted: Profile = {
    ...profile,
    kubernetes: {
      ...profile.kubernetes,
      kindWorkers: 2,
      kindNodeImage: 'registry.example.com/node:v1.34.4',
      images: { ...profile.kubernetes.images, prefix: 'localhost:5001/lambdactl' },
    },
  };
  const labels = { 'lambdactl.dev/home': 'abc' };
  const config = kindConfig({ name: 'c', profile: wanted, ports: [{ hostPort: 18080, nodePort: 30000 }], labels });
  const worker = { role: 'worker', labels, image: 'registry.example.com/node:v1.34.4' };
  expect(config).toMatchObject({
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    networking: { apiServerAddress: '127.0.0.1' },
    containerdConfigPatches: [expect.stringContaining('config_path = "/etc/containerd/certs.d"')],
    nodes: [{ role: 'control-plane', extraPortMappings: [{ containerPort: 30000, hostPort: 18080 }] }, worker, worker],
  });
  expect(kindConfig({ name: 'c', profile, ports: [], labels })).not.toHaveProperty('containerdConfigPatches');
});

it('says what would fit into an engine with too little memory', () => {
  const components = Object.keys(profile.components);
  const engine = (gib: number) => ({ kind: 'docker' as const, memoryBytes: gib * 2 ** 30 });
  expect(tooLittleMemory(engine(16), profile, components)).toBeNull();
  expect(tooLittleMemory(engine(7), profile, components)).toMatchObject({
    code: 'KIND_MEMORY',
    actions: expect.arrayContaining([expect.stringMatching(/^This would fit: .* --without airflow/)]),
  });
  expect(tooLittleMemory(engine(2), profile, components)?.actions.join('\n')).not.toContain('would fit');
});
