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

/** A program to build. */
export interface GoProgram {
  /** Directory below go/ with its go.mod. */
  module: string;
  /** Another place of that directory, beside the rig's sources. */
  from?: string;
  package: string;
  name: string;
  /** Go variables set at link time. */
  stamps?: Readonly<Record<string, string>>;
}

/** One step for each Go module: the go command's own cache makes an interrupted build go on where it was. */
export function goSteps(programs: readonly GoProgram[], bin: string): readonly Step[] {
  const modules = [...new Set(programs.map(({ module }) => module))];
  return modules.map((module) => {
    const wanted = programs.filter((program) => program.module === module);
    const directory = wanted[0]?.from ?? `go/${module}`;
    return {
      name: `go-${module}`,
      inputs: [
        versions.kubernetes,
        ...wanted.flatMap((program) => [program.package, ...Object.values(program.stamps ?? {})]),
      ],
      files: [directory],
      outputs: wanted.map(({ name }) => join(bin, name)),
      async run() {
        mkdirSync(bin, { recursive: true });
        for (const { name, package: path, stamps = {} } of wanted) {
          const output = ['-o', join(bin, name)];
          const link = module === 'kubernetes' ? kubernetesStamps() : stamps;
          const flags = ['-s -w', ...Object.entries(link).map(([variable, value]) => `-X ${variable}=${value}`)];
          const args = ['-trimpath', '-buildvcs=false', '-ldflags', flags.join(' '), ...output, path];
          await run(`go-${module}`, 'go', ['build', ...args], {
            cwd: join(sources, directory),
            env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' },
          });
        }
      },
    };
  });
}

export const goPrograms = goSteps(programs, paths.bin);

/** Kubernetes' programs refuse to work together without knowing their version, which its own build sets so. */
function kubernetesStamps(): Record<string, string> {
  const [major = '', minor = ''] = versions.kubernetes.slice(1).split('.');
  const stamps = {
    gitVersion: versions.kubernetes,
    gitMajor: major,
    gitMinor: minor,
    gitCommit: 'module',
    gitTreeState: 'clean',
  };
  return Object.fromEntries(
    ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((where) =>
      Object.entries(stamps).map(([name, value]) => [`${where}.${name}`, value]),
    ),
  );
}

/** Directory of a Go module's sources in the module cache: its files are taken from there, none is kept here. */
export async function moduleSources(directory: string, module: string): Promise<string> {
  const { stdout } = await execa('go', ['list', '-m', '-f', '{{.Dir}}', module], {
    cwd: join(sources, directory),
    env: { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' },
  });
  return stdout;
}

/** Directory of kind's sources. */
export const kindSources = (): Promise<string> => moduleSources('go/kind', 'sigs.k8s.io/kind');

function relink(target: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path);
  symlinkSync(target, path);
}
