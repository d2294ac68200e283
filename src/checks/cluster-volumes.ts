import { clusterCheck, outcome, podName } from './cluster.ts';

/** Claims of the stack that have no volume. One that waits for its first pod is bound as soon as that is scheduled. */
export const clusterVolumes = clusterCheck(
  { name: 'cluster-volumes', area: 'cluster', title: 'volumes bound' },
  async (cluster, { profile }) => {
    const volumes = await cluster.volumes();
    const bound = volumes.filter(({ phase }) => phase === 'Bound').length;
    const findings = volumes
      .filter(
        ({ phase, message }) => phase === 'Lost' || (phase === 'Pending' && !/first consumer/i.test(message ?? '')),
      )
      .map((claim) => ({
        severity: 'error' as const,
        what: `claim ${podName(claim)} is ${claim.phase.toLowerCase()}: ${claim.message ?? 'nobody says why'}`,
        why:
          claim.phase === 'Lost'
            ? 'Its volume is gone, and with it what was on it.'
            : `Its pod does not start without a volume. Storage class: ${claim.storageClass ?? 'none, and the cluster has no default one'}; \`kubernetes.storageClass\` of the profile (now ${profile.kubernetes.storageClass ?? 'absent'}) chooses another.`,
        fix: null,
      }));
    return outcome(`${bound} of ${volumes.length} bound`, findings);
  },
);
