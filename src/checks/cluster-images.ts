import { type ContainerFacts, clusterCheck, outcome, type PodFacts, podName } from './cluster.ts';
import { commandFor } from './commands.ts';
import type { Finding } from './contract.ts';
import type { MachineContext } from './machine.ts';

const unpulled: readonly string[] = [
  'ImagePullBackOff',
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
];

/** Images that the cluster cannot get. */
export const clusterImages = clusterCheck(
  { name: 'cluster-images', area: 'cluster', title: 'images can be pulled' },
  async (cluster, context) => {
    const pods = await cluster.pods();
    const images = new Set(pods.flatMap(({ containers }) => containers.map(({ image }) => image)));
    const findings = pods.flatMap((pod) => pod.containers.flatMap((container) => troubleOf(pod, container, context)));
    return outcome(`${images.size} images`, findings);
  },
);

function troubleOf(
  pod: PodFacts,
  { image, waiting }: ContainerFacts,
  { profile, kubernetes, paths }: MachineContext,
): Finding[] {
  if (waiting === null || !unpulled.includes(waiting.reason)) return [];
  const own = image.startsWith(`${profile.kubernetes.images.prefix}/`);
  const load = own && kubernetes.kind;
  const where = own ? '`kubernetes.images.prefix`' : `\`kubernetes.images.overrides\` (${pod.component})`;
  return [
    {
      severity: 'error',
      what: `pod ${podName(pod)} cannot get image ${image}: ${waiting.message || waiting.reason}`,
      why: load
        ? 'Images of ours are built here and copied into the kind cluster; this one was not.'
        : `It does not start without. Where a mirror or a registry of yours has it, name that in the profile: ${where}.`,
      fix: load ? { command: commandFor({ paths }, `images load ${pod.component}`), safe: true } : null,
    },
  ];
}
