import { X509Certificate } from 'node:crypto';
import { clusterCheck, outcome } from './cluster.ts';
import type { Finding } from './contract.ts';

const dayMs = 86_400_000;
/** Early enough to renew before a holiday. */
const soonDays = 30;

/** The certificates in the kubeconfig, which kind and kubeadm issue for one year, and authorities for ten. */
export const clusterCertificate = clusterCheck(
  { name: 'cluster-certificate', area: 'cluster', title: 'certificates of the kubeconfig' },
  async (cluster, { now, kubernetes }) => {
    const { client, authority } = await cluster.certificates();
    const renewal = kubernetes.kind
      ? 'A kind cluster does not renew it: make the cluster anew before (`lambdactl down --volumes`, `lambdactl up`), or renew by kubeadm in its node.'
      : 'Get a new kubeconfig from who runs the cluster.';
    const dates = [
      ...(client === null ? [] : [{ title: 'client certificate', until: validUntil(client) }]),
      ...(authority === null ? [] : [{ title: 'authority', until: validUntil(authority) }]),
    ].filter(({ until }) => Number.isFinite(until));
    const detail = dates.map(({ title, until }) => `${title} until ${day(until)}`).join(', ');
    const findings = dates
      .filter(({ until }) => until - now < soonDays * dayMs)
      .map(({ title, until }): Finding => {
        const over = until <= now;
        const when = over
          ? `expired on ${day(until)}`
          : `expires on ${day(until)}, in ${Math.ceil((until - now) / dayMs)} days`;
        return {
          severity: over ? 'error' : 'warning',
          what: `the ${title} of context ${cluster.context} ${when}`,
          why: `After that the API server lets nobody in with it. ${renewal}`,
          fix: null,
        };
      });
    return outcome(detail === '' ? 'none: the context logs in another way' : detail, findings);
  },
);

/** ms since 1970; NaN of what is no certificate. */
function validUntil(pem: string): number {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return Number.NaN;
  }
}

const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
