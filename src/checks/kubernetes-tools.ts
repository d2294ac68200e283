import { type KubernetesTool, kubernetesCheck, outcome } from './cluster.ts';
import type { Finding } from './contract.ts';
import type { MachineContext } from './machine.ts';

interface Need {
  name: KubernetesTool;
  /** Without it the stack's runtime does not work; without the others something can be done less conveniently. */
  severity: Finding['severity'];
  why: string;
}

/** The programs that the Kubernetes runtime calls, or that people need beside it, in versions that fit. */
export const kubernetesTools = kubernetesCheck(
  { name: 'kubernetes-tools', area: 'host', title: 'kind, helm, kubectl, kubeseal' },
  async (view, context) => {
    const found: string[] = [];
    const findings: Finding[] = [];
    for (const { name, severity, why } of needs(view.kind, await view.seals(), context)) {
      const look = await view.tool(name);
      if (look.found !== null) found.push(`${name} ${look.found.version} (${look.found.path})`);
      else {
        const what =
          look.rejected.length === 0 ? `${name} was not found on PATH` : `no ${name} fits: ${look.rejected.join('; ')}`;
        findings.push({ severity, what, why, fix: null });
      }
    }
    return outcome(found.length === 0 ? 'none is needed' : found.join(', '), findings);
  },
);

function needs(kind: boolean, seals: boolean, { profile: { kubernetes, lake, warehouse } }: MachineContext): Need[] {
  const charts = Object.values(kubernetes.delivery).includes('operator') || kubernetes.monitoring;
  const accounts = lake.storage.kind === 's3' || warehouse.target === 'snowflake';
  return [
    ...(kind
      ? [{ name: 'kind', severity: 'error', why: 'It makes and deletes the cluster; `up --yes` fetches it.' } as const]
      : []),
    ...(charts
      ? [{ name: 'helm', severity: 'error', why: 'The profile has components that upstream charts bring.' } as const]
      : []),
    {
      name: 'kubectl',
      severity: 'warning',
      why: 'lambdactl does without; what it advises to look at in the cluster is written for kubectl.',
    },
    ...(seals || accounts
      ? [
          {
            name: 'kubeseal',
            severity: 'warning',
            why: seals
              ? 'Secrets of this stack were sealed from here: `secrets seal` and `secrets check` call it.'
              : 'The profile names an account, whose credentials `secrets seal` makes fit for git.',
          } as const,
        ]
      : []),
  ];
}
