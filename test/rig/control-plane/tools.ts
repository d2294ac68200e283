/** The programs of the rig: one Go module (test/rig/control-plane/go/…) for each set of dependencies that fit together. */
export interface RigTool {
  /** Name of the executable. */
  name: string;
  /** Directory below go/. */
  module: string;
  package: string;
  /** Go variables set at link time. */
  stamps?: Readonly<Record<string, string>>;
}

export const kubernetesVersion = '1.34.4';
export const sealedSecretsVersion = '0.36.0';

const version = 'k8s.io/component-base/version';
const [major = '', minor = ''] = kubernetesVersion.split('.');
/** Without them the API server calls itself v0.0.0, and clients take it for an old one. */
const kubernetesStamps = {
  [`${version}.gitVersion`]: `v${kubernetesVersion}`,
  [`${version}.gitMajor`]: major,
  [`${version}.gitMinor`]: minor,
  [`${version}.gitTreeState`]: 'clean',
  [`${version}.buildDate`]: '1970-01-01T00:00:00Z',
  'k8s.io/client-go/pkg/version.gitVersion': `v${kubernetesVersion}`,
  'k8s.io/client-go/pkg/version.gitMajor': major,
  'k8s.io/client-go/pkg/version.gitMinor': minor,
};

const kubernetes = (name: string): RigTool => ({
  name,
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  stamps: kubernetesStamps,
});
const sealedSecrets = (name: string, command: string): RigTool => ({
  name,
  module: 'sealed-secrets',
  package: `github.com/bitnami-labs/sealed-secrets/cmd/${command}`,
  stamps: { 'main.VERSION': sealedSecretsVersion },
});

/** In the order in which they are built: what most tests need comes first. */
export const rigTools: readonly RigTool[] = [
  kubernetes('kube-apiserver'),
  { name: 'etcd', module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3' },
  kubernetes('kubectl'),
  kubernetes('kube-controller-manager'),
  kubernetes('kube-scheduler'),
  { name: 'kwok', module: 'kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' },
  { name: 'helm', module: 'helm', package: 'helm.sh/helm/v4/cmd/helm' },
  sealedSecrets('sealed-secrets-controller', 'controller'),
  sealedSecrets('kubeseal', 'kubeseal'),
  { name: 'kube-score', module: 'kube-score', package: 'github.com/zegl/kube-score/cmd/kube-score' },
];
