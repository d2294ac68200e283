import { clusterCheck, type NodeFacts, outcome } from './cluster.ts';
import type { Finding } from './contract.ts';

/** Conditions that should be false, and what follows from them. */
const pressures: Readonly<Record<string, string>> = {
  MemoryPressure: 'Its pods are evicted, those that use most above their request first.',
  DiskPressure: 'Images are deleted and pods evicted; with kind the disk is the container engine’s.',
  PIDPressure: 'No further process can be started on it.',
  NetworkUnavailable: 'Its pods have no network.',
};

/** Nodes are ready and have memory, disk and processes left. */
export const clusterNodes = clusterCheck(
  { name: 'cluster-nodes', area: 'cluster', title: 'nodes ready, no pressure' },
  async (cluster) => {
    const nodes = await cluster.nodes();
    const ready = nodes.filter((node) => isReady(node)).length;
    return outcome(`${ready} of ${nodes.length} ready`, nodes.flatMap(troublesOf));
  },
);

const isReady = ({ conditions }: NodeFacts): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

function troublesOf(node: NodeFacts): Finding[] {
  const { name, conditions, unschedulable } = node;
  const findings: Finding[] = conditions
    .filter(({ type, status }) => type in pressures && status === 'True')
    .map(({ type, message }) => ({
      severity: 'error' as const,
      what: `node ${name} has ${type}: ${message}`,
      why: pressures[type] ?? '',
      fix: null,
    }));
  if (!isReady(node)) {
    const said = conditions.find(({ type }) => type === 'Ready')?.message ?? 'it tells no condition';
    findings.push({
      severity: 'error',
      what: `node ${name} is not ready: ${said}`,
      why: 'Its pods are given up after five minutes, and volumes that lie on it cannot be used elsewhere.',
      fix: null,
    });
  }
  if (unschedulable) {
    findings.push({
      severity: 'warning',
      what: `node ${name} is cordoned`,
      why: `It takes no new pods until \`kubectl uncordon ${name}\`.`,
      fix: null,
    });
  }
  return findings;
}
