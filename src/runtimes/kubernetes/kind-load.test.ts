import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openPrograms, type Programs } from '../../../test/support/programs.ts';
import { type KindWork, open } from './kind.ts';
import { imagesInCluster, loadIntoKind } from './kind-load.ts';
import { kindNodes } from './kind-nodes.ts';
import { recordOf, writeKindRecord } from './kind-ownership.ts';
import { connectLocalRegistry } from './kind-registry.ts';

/** A node with a list of images in $STATE/images, and a registry beside it. */
const docker = (engine: 'docker' | 'podman') => `
echo "$*" >> "$STATE/calls"
case "$1" in
info) echo '${
  engine === 'docker'
    ? '{"ServerVersion":"28.2.2","MemTotal":34359738368,"NCPU":4,"Architecture":"x86_64"}'
    : '{"host":{"memTotal":34359738368,"cpus":4,"arch":"amd64"},"version":{"Version":"5.6.0"}}'
}' ;;
ps) case "$*" in *filter*) echo t-control-plane ;; *) echo t-control-plane; echo registry ;; esac ;;
inspect)
  node='{"Id":"c0ffee","Name":"/t-control-plane","State":{"Running":true},"Config":{"Labels":{"io.x-k8s.kind.role":"control-plane"}},"HostConfig":{"PortBindings":{}}}'
  registry='{"Id":"1","Name":"/registry","NetworkSettings":{"Ports":{"5000/tcp":[{"HostIp":"127.0.0.1","HostPort":"5001"}]},"Networks":{"bridge":{}}}}'
  case "$*" in *registry*) echo "[$node,$registry]" ;; *) echo "[$node]" ;; esac ;;
exec) case "$*" in *inspecti*) grep -qx "$5" "$STATE/images" 2>/dev/null ;; esac ;;
save) touch "$3" ;;
network) ;;
*) exit 64 ;;
esac`;

const kind = `
case "$1 $2" in
'version ') echo 'kind v0.33.0' ;;
'load docker-image') [ "$3" != broken/image:1 ] || { echo 'ERROR: image: "broken/image:1" not present locally' >&2; exit 1; }; echo "$3" >> "$STATE/images" ;;
'load image-archive') [ -f "$3" ] && echo archive >> "$STATE/images" ;;
*) exit 64 ;;
esac`;

let programs: Programs;
let home: string;
const context = { emit: (event: { type: string }) => void events.push(event), signal: new AbortController().signal };
const events: { type: string; message?: string }[] = [];

beforeEach(() => {
  programs = openPrograms();
  home = mkdtempSync(join(tmpdir(), 'lambdactl-load-'));
  events.length = 0;
  vi.stubEnv('PATH', programs.path);
  for (const name of ['LAMBDACTL_ENGINE', 'LAMBDACTL_KIND', 'DOCKER_HOST']) vi.stubEnv(name, '');
  programs.add('kind', kind);
});
afterEach(() => {
  vi.unstubAllEnvs();
  programs.remove();
  rmSync(home, { recursive: true, force: true });
});

async function cluster(engine: 'docker' | 'podman'): Promise<KindWork> {
  programs.add(engine, docker(engine));
  const work = await open({ name: 't', home, projectRoot: join(import.meta.dirname, '../../..') }, context);
  await writeKindRecord(home, 't', recordOf(engine, await kindNodes(work.engine, 't', context.signal), []));
  return work;
}
const calls = () => readFileSync(join(programs.state, 'calls'), 'utf8');

it('loads images by name with docker, and sees them in the nodes', async () => {
  const work = await cluster('docker');
  const references = ['lambdactl/kafka:abc', 'lambdactl/spark:abc'];
  expect([...(await imagesInCluster(work, references))]).toEqual([]);
  await loadIntoKind(work, ['lambdactl/kafka:abc']);
  expect([...(await imagesInCluster(work, references))]).toEqual(['lambdactl/kafka:abc']);
});

it('loads archives with other engines', async () => {
  await loadIntoKind(await cluster('podman'), ['docker.io/lambdactl/kafka:abc']);
  expect(calls()).toMatch(/^save --output \S+ docker\.io\/lambdactl\/kafka:abc$/m);
  expect(readFileSync(join(programs.state, 'images'), 'utf8')).toBe('archive\n');
});

it('says why an image was not loaded, and that there is no cluster', async () => {
  const work = await cluster('docker');
  await expect(loadIntoKind(work, ['broken/image:1'])).rejects.toMatchObject({
    code: 'IMAGE_LOAD_FAILED',
    message: expect.stringContaining('not present locally'),
  });
  programs.add('docker', docker('docker').replace('*filter*) echo t-control-plane', '*filter*) :'));
  await expect(loadIntoKind(work, ['lambdactl/kafka:abc'])).rejects.toMatchObject({ code: 'CLUSTER_MISSING' });
});

it('tells nodes under which container’s name they find a registry of this machine', async () => {
  const work = await cluster('docker');
  const nodes = await kindNodes(work.engine, 't', context.signal);
  await connectLocalRegistry(work.engine, nodes, 'registry.example.com/lambdactl', context);
  expect(calls()).not.toContain('certs.d');
  await connectLocalRegistry(work.engine, nodes, 'localhost:5001/lambdactl', context);
  expect(calls()).toContain('/etc/containerd/certs.d/localhost:5001 [host."http://registry:5000"]');
  expect(calls()).toContain('network connect kind registry');
  await connectLocalRegistry(work.engine, nodes, 'localhost:5999/lambdactl', context);
  expect(events).toMatchObject([
    { type: 'warning', message: expect.stringContaining('No container publishes port 5999') },
  ]);
});
