import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { paths, sources } from './paths.ts';
import { run } from './shell.ts';
import type { Step } from './steps.ts';
import { hostPrograms, programs, versions } from './versions.ts';

// Where Debian puts its programs. Another docker earlier on the PATH (a newer client, say) is not meant.
const debianDirectories = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const ofDebian = (name: string) =>
  debianDirectories.map((directory) => join(directory, name)).find((path) => existsSync(path));

/** Packages of the machine, installed where they lack; then links, so that the rig's PATH finds Debian's docker first. */
export const hostPackages: Step = {
  name: 'host-packages',
  inputs: Object.entries(hostPrograms).flat(),
  outputs: [join(paths.bin, 'docker')],
  async run() {
    const missing = Object.entries(hostPrograms).filter(([name]) => ofDebian(name) === undefined);
    const packages = [...new Set(missing.map(([, packaged]) => packaged))];
    if (packages.length > 0) {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      await run('host-packages', 'apt-get', ['update', '-q'], { env });
      await run('host-packages', 'apt-get', ['install', '-yq', '--no-install-recommends', ...packages], { env });
    }
    mkdirSync(paths.bin, { recursive: true });
    const docker = ofDebian('docker');
    if (docker === undefined) throw new Error('no docker client of Debian: install docker.io');
    relink(docker, join(paths.bin, 'docker'));
  },
};

const modules = [...new Set(programs.map(({ module }) => module))];

/** One step for each Go module: the go command's own cache makes an interrupted build go on where it was. */
export const goPrograms: readonly Step[] = modules.map((module) => {
  const wanted = programs.filter((program) => program.module === module);
  return {
    name: `go-${module}`,
    inputs: [versions.kubernetes, ...wanted.map((program) => program.package)],
    files: [`go/${module}`],
    outputs: wanted.map(({ name }) => join(paths.bin, name)),
    async run() {
      mkdirSync(paths.bin, { recursive: true });
      for (const { name, package: path } of wanted) {
        const output = ['-o', join(paths.bin, name)];
        await run(`go-${module}`, 'go', ['build', '-trimpath', '-buildvcs=false', ...flags(module), ...output, path], {
          cwd: join(sources, 'go', module),
          env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' },
        });
      }
    },
  };
});

/** Kubernetes' programs refuse to work together without knowing their version, which its own build sets so. */
function flags(module: string): string[] {
  if (module !== 'kubernetes') return ['-ldflags', '-s -w'];
  const [major, minor] = versions.kubernetes.slice(1).split('.');
  const set = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((where) => [
    `-X ${where}.gitVersion=${versions.kubernetes}`,
    `-X ${where}.gitMajor=${major}`,
    `-X ${where}.gitMinor=${minor}`,
    `-X ${where}.gitCommit=module`,
    `-X ${where}.gitTreeState=clean`,
  ]);
  return ['-ldflags', ['-s -w', ...set].join(' ')];
}

/** Directory of kind's sources in the module cache: its node files are taken from there, none is kept here. */
export async function kindSources(): Promise<string> {
  const { stdout } = await execa('go', ['list', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kind'], {
    cwd: join(sources, 'go', 'kind'),
    env: { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' },
  });
  return stdout;
}

function relink(target: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path);
  symlinkSync(target, path);
}
