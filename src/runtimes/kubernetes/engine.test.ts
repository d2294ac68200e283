import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPrograms, type Programs } from '../../../test/support/programs.ts';
import { type ContainerEngine, containerEngine } from './engine.ts';

let programs: Programs;
beforeEach(() => {
  programs = openPrograms();
  vi.stubEnv('PATH', programs.path);
  for (const name of ['LAMBDACTL_ENGINE', 'DOCKER_HOST', 'CONTAINER_HOST', 'CONTAINERD_ADDRESS']) vi.stubEnv(name, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  programs.remove();
});

const dockerInfo =
  '{"ServerVersion":"28.2.2","MemTotal":8326787072,"NCPU":4,"Architecture":"x86_64","SecurityOptions":["name=seccomp,profile=builtin","name=cgroupns"]}';
const podmanInfo =
  '{"host":{"memTotal":2063835136,"cpus":2,"arch":"arm64","security":{"rootless":true}},"version":{"Version":"5.6.0"}}';

const answering = (json: string) => `cat <<'END'\n${json}\nEND`;
const failing = (words: string) => `cat >&2 <<'END'\n${words}\nEND\nexit 1`;

describe('containerEngine', () => {
  it('takes the first that answers and tells what its containers may use', async () => {
    const path = programs.add('docker', answering(dockerInfo));
    programs.add('podman', answering(podmanInfo));
    expect(await containerEngine()).toEqual({
      kind: 'docker',
      path,
      version: '28.2.2',
      memoryBytes: 8326787072,
      cpus: 4,
      architecture: 'amd64',
      rootless: false,
    } satisfies ContainerEngine);
  });

  it('goes on to the next where one does not answer, and sees podman behind the name docker', async () => {
    programs.add('docker', answering(podmanInfo));
    expect(await containerEngine()).toMatchObject({
      kind: 'podman',
      version: '5.6.0',
      rootless: true,
      architecture: 'arm64',
    });
    programs.add(
      'docker',
      failing('Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'),
    );
    programs.add('nerdctl', answering(dockerInfo));
    expect(await containerEngine()).toMatchObject({ kind: 'nerdctl' });
  });

  it('sees rootless docker', async () => {
    programs.add('docker', answering(dockerInfo.replace('name=cgroupns', 'name=rootless')));
    expect(await containerEngine()).toMatchObject({ kind: 'docker', rootless: true });
  });

  it('asks only the one that is named', async () => {
    programs.add('docker', answering(dockerInfo));
    programs.add('podman', answering(podmanInfo));
    expect(await containerEngine({ name: 'podman' })).toMatchObject({ kind: 'podman' });
    vi.stubEnv('LAMBDACTL_ENGINE', 'nerdctl');
    expect(await containerEngine()).toEqual({ reason: 'nerdctl: not found on PATH' });
    vi.stubEnv('LAMBDACTL_ENGINE', 'rocket');
    expect(await containerEngine()).toEqual({ reason: 'LAMBDACTL_ENGINE=rocket: it knows docker, podman, nerdctl' });
  });

  it('says of each program why it does not serve', async () => {
    programs.add(
      'docker',
      failing('Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'),
    );
    expect(await containerEngine()).toEqual({
      reason:
        'docker: no daemon answers on /var/run/docker.sock: start Docker (Docker Desktop, or `systemctl start docker`); podman: not found on PATH; nerdctl: not found on PATH',
    });
  });

  const words: [name: 'docker' | 'podman' | 'nerdctl', said: string, reason: string][] = [
    [
      'docker',
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/info": dial unix /var/run/docker.sock: connect: permission denied',
      'docker: permission denied on /var/run/docker.sock: add yourself to group docker (then log in anew) or use rootless docker',
    ],
    [
      'docker',
      'error during connect: Get "http://host.example:2375/v1.50/info": dial tcp: lookup host.example: no such host',
      'docker: no daemon answers: start Docker (Docker Desktop, or `systemctl start docker`)',
    ],
    [
      'docker',
      'error: context "remote": context not found: open /root/.docker/contexts/meta/x/meta.json: no such file or directory',
      'docker: the chosen context does not exist: `docker context ls`, `docker context use default`',
    ],
    [
      'podman',
      'Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\nError: unable to connect to Podman socket: failed to connect: dial tcp 127.0.0.1:52314: connect: connection refused',
      'podman: no virtual machine answers: `podman machine start`',
    ],
    [
      'nerdctl',
      'time="2026-11-21T20:00:00Z" level=fatal msg="cannot access containerd socket \\"/run/containerd/containerd.sock\\": no such file or directory"',
      'nerdctl: no containerd answers on /run/containerd/containerd.sock: start containerd, or `containerd-rootless-setuptool.sh install`',
    ],
    ['docker', 'Error: something nobody foresaw', 'docker: something nobody foresaw'],
  ];
  it.each(words)('%s: %s', async (name, said, reason) => {
    programs.add(name, failing(said));
    expect(await containerEngine({ name })).toEqual({ reason });
  });

  it('names the address to which the user sent the client', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://10.0.0.7:2375');
    programs.add('docker', failing('dial tcp 10.0.0.7:2375: connect: no route to host'));
    expect(await containerEngine({ name: 'docker' })).toEqual({
      reason:
        'docker: not reachable on DOCKER_HOST=tcp://10.0.0.7:2375: is the address right, and does the engine run there?',
    });
  });

  it('takes the failure from the answer of an older client, which ends well', async () => {
    const text =
      'Cannot connect to the Docker daemon at unix:///run/user/1000/docker.sock. Is the docker daemon running?';
    programs.add('docker', answering(JSON.stringify({ ServerVersion: '', MemTotal: 0, ServerErrors: [text] })));
    expect(await containerEngine({ name: 'docker' })).toMatchObject({
      reason: expect.stringContaining('no daemon answers on /run/user/1000/docker.sock'),
    });
  });
});
