import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paths, sources } from './paths.ts';
import { goPrograms, kindSources } from './programs.ts';
import { docker, run, sh } from './shell.ts';
import type { Step } from './steps.ts';
import { baseImage, images, nodePackages, versions } from './versions.ts';

const files = join(sources, 'files');
const server = join(paths.images, 'server', 'kubernetes');
const serverArchive = join(paths.images, 'kubernetes-server.tar.gz');

/** Debian's tree of a node, made into kind's base image. */
export const nodeRootfs: Step = {
  name: 'node-rootfs',
  inputs: [versions.debian, ...nodePackages],
  files: ['files/node-rootfs.sh', 'files/ctr', 'files/crictl'],
  outputs: [join(paths.nodeRootfs, 'etc/containerd/cri-base.json')],
  async run() {
    rmSync(paths.nodeRootfs, { recursive: true, force: true });
    await debootstrap('node-rootfs', nodePackages, paths.nodeRootfs);
    const base = join(await kindSources(), 'images/base/files');
    await run('node-rootfs', join(files, 'node-rootfs.sh'), [paths.nodeRootfs, base, files]);
  },
};

/** The node's base and the image that stands in for debian:bookworm-slim, in the rig's dockerd. */
export const baseImages: Step = {
  name: 'base-images',
  needs: [nodeRootfs],
  inputs: [images.kindBase, baseImage.name, ...baseImage.packages],
  outputs: [paths.dockerData],
  async run() {
    await importTree('base-images', paths.nodeRootfs, images.kindBase, ['--change', 'ENV container=docker']);
    // systemd ends on this signal; an import takes no such change.
    const stoppable = 'printf "FROM $1\nSTOPSIGNAL SIGRTMIN+3\n" | docker build -t "$1" -';
    await sh('base-images', stoppable, [images.kindBase]);
    const archive = join(paths.images, 'base.tar');
    await debootstrap('base-images', baseImage.packages, archive);
    await docker('base-images', 'import', '--change', 'CMD ["bash"]', archive, baseImage.name);
    rmSync(archive);
  },
};

/** One image of the cluster itself: what lies in it, and the names that kind and kubeadm look for. */
interface SystemImage {
  names: readonly string[];
  /** Puts the files under the directory. */
  fill(directory: string): Promise<unknown>;
  change?: string;
}

/** Every image that a cluster starts from, as the server archive that `kind build node-image --type file` takes. */
export const serverImages: Step = {
  name: 'server-images',
  needs: [nodeRootfs, ...goPrograms],
  inputs: [versions.kubernetes],
  files: ['files/kindnetd', 'files/pause.c', 'files/kube-proxy-root.sh'],
  outputs: [serverArchive],
  async run() {
    rmSync(server, { recursive: true, force: true });
    const target = join(server, 'server', 'bin');
    mkdirSync(target, { recursive: true });
    writeFileSync(join(server, 'version'), versions.kubernetes);
    for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
      await sh('server-images', 'ln -f "$1" "$2"', [join(paths.bin, name), join(target, name)]);
    }
    const wanted = await systemImages();
    const own = (name: string) =>
      wanted.filter(({ names }) => names[0] === `registry.k8s.io/${name}:${versions.kubernetes}`);
    const four = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'];
    for (const name of four.slice(1)) await archive(own(name), join(target, `${name}.tar`));
    // kind would pull what else is needed; it takes what it finds in any of the four archives instead.
    const others = wanted.filter((image) => !four.slice(1).some((name) => own(name).includes(image)));
    await archive(others, join(target, 'kube-apiserver.tar'));
    await sh('server-images', 'tar -C "$1" -c kubernetes | gzip -1 > "$2"', [join(server, '..'), serverArchive]);
    rmSync(join(server, '..'), { recursive: true });
  },
};

/** kind's own build of a node image, unchanged, from the parts above. */
export const nodeImage: Step = {
  name: 'node-image',
  needs: [baseImages, serverImages],
  inputs: [images.node],
  outputs: [paths.dockerData],
  async run() {
    await run('node-image', 'kind', [
      ...['build', 'node-image', '--type', 'file', serverArchive],
      ...['--base-image', images.kindBase, '--image', images.node],
    ]);
  },
};

async function systemImages(): Promise<SystemImage[]> {
  const listed = await run('server-images', 'kubeadm', [
    ...['config', 'images', 'list', '--kubernetes-version', versions.kubernetes],
  ]);
  const named = (pattern: RegExp) => listed.split('\n').filter((line) => pattern.test(line));
  const kind = await kindSources();
  const ofKind = (file: string) =>
    [...readFileSync(join(kind, 'pkg/build/nodeimage', file), 'utf8').matchAll(/"(docker\.io\/kindest\/[^"]+)"/g)].map(
      ([, name]) => name ?? '',
    );
  const storage = ofKind('const_storage.go');
  const pause = /sandbox_image = "([^"]+)"/.exec(
    readFileSync(join(paths.nodeRootfs, 'etc/containerd/config.toml'), 'utf8'),
  );
  const binary =
    (name: string, path = `usr/local/bin/${name}`) =>
    (directory: string) =>
      sh('server-images', 'install -D -m755 "$1" "$2"', [join(paths.bin, name), join(directory, path)]);
  const entry = (path: string) => `ENTRYPOINT ["${path}"]`;
  return [
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => ({
      names: named(new RegExp(`/${name}:`)),
      fill: binary(name),
      change: entry(`/usr/local/bin/${name}`),
    })),
    {
      names: named(/\/kube-proxy:/),
      async fill(directory) {
        await run('server-images', join(files, 'kube-proxy-root.sh'), [paths.nodeRootfs, directory]);
        await binary('kube-proxy')(directory);
      },
    },
    { names: named(/\/etcd:/), fill: binary('etcd') },
    { names: named(/\/coredns:/), fill: binary('coredns', 'coredns'), change: entry('/coredns') },
    {
      names: [...new Set([...named(/\/pause:/), ...(pause?.[1] === undefined ? [] : [pause[1]])])],
      fill: (directory) =>
        sh('server-images', 'mkdir -p "$2"; gcc -Os -static -o "$2/pause" "$1"', [join(files, 'pause.c'), directory]),
      change: entry('/pause'),
    },
    {
      names: ofKind('const_cni.go'),
      async fill(directory) {
        await busybox(directory);
        await sh('server-images', 'install -D -m755 "$1" "$2/bin/kindnetd"', [join(files, 'kindnetd'), directory]);
      },
      change: entry('/bin/kindnetd'),
    },
    { names: storage.filter((name) => name.includes('helper')), fill: busybox, change: 'CMD ["/bin/sh"]' },
    { names: storage.filter((name) => name.includes('provisioner')), fill: binary('local-path-provisioner') },
  ];
}

/** /bin/sh and the rest of busybox, for the helpers that are scripts. */
const busybox = (directory: string) =>
  sh(
    'server-images',
    'mkdir -p "$2/bin" "$2/tmp"; cp "$1" "$2/bin/busybox"; chroot "$2" /bin/busybox --install -s /bin',
    [join(paths.nodeRootfs, 'bin/busybox'), directory],
  );

/** Images as one archive of `docker save`, in the order that kind needs. */
async function archive(wanted: readonly SystemImage[], path: string): Promise<void> {
  const scratch = join(paths.images, 'scratch');
  for (const { names, fill, change } of wanted) {
    const [first, ...more] = names;
    if (first === undefined) throw new Error(`an image without a name for ${path}: kind or kubeadm names it otherwise`);
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    await fill(scratch);
    await importTree('server-images', scratch, first, change === undefined ? [] : ['--change', change]);
    for (const name of more) await docker('server-images', 'tag', first, name);
  }
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch);
  const names = wanted.flatMap((image) => image.names);
  await sh('server-images', 'target=$1; shift; docker save "$@" | tar -x -C "$target"', [scratch, ...names]);
  // kind reads names from whichever of the two lists comes first in the archive, and of manifest.json only its first
  // image: so `repositories` goes first, with the names in full as kind knows them (docker shortens docker.io/).
  writeFileSync(join(scratch, 'repositories'), JSON.stringify(repositories(names)));
  const others = readdirSync(scratch).filter((name) => name !== 'repositories');
  await sh('server-images', 'source=$1 target=$2; shift 2; tar -C "$source" -cf "$target" repositories "$@"', [
    scratch,
    path,
    ...others,
  ]);
  rmSync(scratch, { recursive: true, force: true });
}

/** @returns tags by repository, with the id that nobody reads */
export function repositories(names: readonly string[]): Record<string, Record<string, string>> {
  const result: Record<string, Record<string, string>> = {};
  for (const name of names) {
    const colon = name.lastIndexOf(':');
    const repository = name.slice(0, colon);
    result[repository] = { ...result[repository], [name.slice(colon + 1)]: '0'.repeat(64) };
  }
  return result;
}

const importTree = (log: string, tree: string, name: string, change: readonly string[]) =>
  sh(
    log,
    'tree=$1 name=$2; shift 2; tar -C "$tree" --exclude="./proc/*" --exclude="./sys/*" -c . | docker import "$@" - "$name"',
    [tree, name, ...change],
  );

/** Debian from the mirror that the machine itself uses. @param more further arguments of mmdebstrap */
export async function debootstrap(
  log: string,
  packages: readonly string[],
  target: string,
  { suite = versions.debian, more = [] }: { suite?: string; more?: readonly string[] } = {},
): Promise<void> {
  mkdirSync(paths.images, { recursive: true });
  const own = '/etc/apt/sources.list.d/debian.sources';
  // The machine's own list names the suites of its own release.
  const sourceList = suite === versions.debian && existsSync(own) ? [own] : [];
  await run(log, 'mmdebstrap', [
    ...['--mode=root', '--variant=minbase', `--include=${packages.join(',')}`, ...more, suite, target, ...sourceList],
  ]);
}
