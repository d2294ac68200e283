/**
 * What the rig is made of, exactly. Programs in Go: their versions stand in go/<module>/go.mod, with checksums in go.sum.
 * Debian packages come at the release's own versions; a change of anything here rebuilds what depends on it.
 */
export const versions = {
  kubernetes: 'v1.34.4',
  debian: 'bookworm',
} as const;

/** Programs of the machine itself, by the Debian package that has them. */
export const hostPrograms: Readonly<Record<string, string>> = {
  dockerd: 'docker.io',
  'docker-proxy': 'docker.io',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  mmdebstrap: 'mmdebstrap',
  jq: 'jq',
  gcc: 'gcc',
  xz: 'xz-utils',
};

/** kind's own list for its base image, with containerd, runc and the CNI plugins of Debian. */
export const nodePackages = [
  'systemd',
  'conntrack',
  'iptables',
  'nftables',
  'iproute2',
  'ethtool',
  'util-linux',
  'mount',
  'kmod',
  'libseccomp2',
  'e2fsprogs',
  'bash',
  'ca-certificates',
  'curl',
  'jq',
  'procps',
  'socat',
  'containerd',
  'runc',
  'containernetworking-plugins',
  'busybox-static',
] as const;

/** Stand-in for debian:bookworm-slim. With what lambdactl's images would install: builds have no network here. */
export const baseImage = {
  name: 'debian:bookworm-slim',
  packages: ['python3', 'git', 'ca-certificates', 'procps'],
} as const;

/** Names under which the rig's images are known to its dockerd. */
export const images = { kindBase: 'lambdactl-rig/kind-base:dev', node: 'lambdactl-rig/node:dev' } as const;

/** Binaries to build: the module below go/, the package, the name of the file. */
export const programs = [
  { module: 'kind', package: 'sigs.k8s.io/kind', name: 'kind' },
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubeadm', 'kubectl'].map(
    (name) => ({ module: 'kubernetes', package: `k8s.io/kubernetes/cmd/${name}`, name }),
  ),
  { module: 'etcd', package: 'go.etcd.io/etcd/server/v3', name: 'etcd' },
  { module: 'coredns', package: '.', name: 'coredns' },
  {
    module: 'local-path',
    package: 'github.com/rancher/local-path-provisioner',
    name: 'local-path-provisioner',
  },
] as const;

const sealedSecrets = {
  module: 'sealed-secrets',
  from: '../control-plane/go/sealed-secrets',
  stamps: { 'main.VERSION': '0.36.0' },
};

/** What `rig.ts build operators` compiles. */
export const operatorPrograms = [
  { module: 'cloudnative-pg', package: 'github.com/cloudnative-pg/cloudnative-pg/cmd/manager', name: 'cloudnative-pg' },
  { module: 'spark-operator', package: 'github.com/kubeflow/spark-operator/v2/cmd/operator', name: 'spark-operator' },
  { ...sealedSecrets, package: 'github.com/bitnami-labs/sealed-secrets/cmd/controller', name: 'sealed-secrets' },
  { ...sealedSecrets, package: 'github.com/bitnami-labs/sealed-secrets/cmd/kubeseal', name: 'kubeseal' },
  { module: 'helm', from: '../control-plane/go/helm', package: 'helm.sh/helm/v4/cmd/helm', name: 'helm' },
] as const;

/** Trees of Debian that operators' images stand on. */
export const operatorTrees = {
  /** The oldest suite that has the major version which the Cluster asks for. */
  postgres: { suite: 'forky', packages: ['postgresql-18'] },
  java: { suite: versions.debian, packages: ['openjdk-17-jre-headless', 'tini', 'procps'] },
} as const;

/** Spark with its Kubernetes client, as PyPI has it; the version is that of upstream's image of the operator. */
export const pyspark = {
  version: '4.0.4',
  sha256: '7e119366364d48e3cda1b1efd1ebc6cd672949500667c9cabbeef858daba700f',
} as const;
