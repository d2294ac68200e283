import { describe, expect, it } from 'vitest';
import { type Pod, type Policy, rulesOf } from '../rig/kind/policies.ts';

const pod = (namespace: string, name: string, podIP: string, port = 80): Pod => ({
  metadata: { namespace, labels: { app: name } },
  spec: { containers: [{ ports: [{ name: 'main', containerPort: port }] }] },
  status: { podIP, phase: 'Running' },
});
const pods = [
  pod('data', 'kafka', '10.0.0.1', 9092),
  pod('data', 'registry', '10.0.0.2'),
  pod('jobs', 'spark', '10.0.0.3'),
];
const namespaces = ['data', 'jobs'].map((name) => ({
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
}));
const deny: Policy = { metadata: { namespace: 'data' }, spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } };
const app = (name: string) => ({ matchLabels: { app: name } });

describe('network policies as rules of nft', () => {
  it('close both directions of the chosen pods, and no others', () => {
    const { rules, closed } = rulesOf([deny], pods, namespaces);
    expect(closed).toBe(4);
    expect(rules).toContain('ip daddr 10.0.0.1 jump ingress_10_0_0_1');
    expect(rules).toContain('ip saddr 10.0.0.2 jump egress_10_0_0_2');
    expect(rules).not.toContain('10.0.0.3');
  });

  it('open a port for peers of another namespace', () => {
    const { rules } = rulesOf(
      [
        deny,
        {
          metadata: { namespace: 'data' },
          spec: {
            podSelector: app('kafka'),
            policyTypes: ['Ingress'],
            ingress: [
              {
                from: [
                  {
                    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'jobs' } },
                    podSelector: app('spark'),
                  },
                ],
                ports: [{ port: 'main' }, { port: 53, protocol: 'UDP' }, { port: 9000, endPort: 9010 }],
              },
            ],
          },
        },
      ],
      pods,
      namespaces,
    );
    expect(rules).toContain('  ip saddr { 10.0.0.3 } tcp dport 9092 return');
    expect(rules).toContain('  ip saddr { 10.0.0.3 } udp dport 53 return');
    expect(rules).toContain('  ip saddr { 10.0.0.3 } tcp dport 9000-9010 return');
  });

  it('mean the own namespace where none is named, everybody where no peer is', () => {
    const policy = (rule: object): Policy => ({
      metadata: { namespace: 'data' },
      spec: { podSelector: app('registry'), policyTypes: ['Egress'], egress: [rule] },
    });
    const to = (rule: object) => rulesOf([policy(rule)], pods, namespaces).rules;
    expect(to({ to: [{ podSelector: {} }] })).toContain('  ip daddr { 10.0.0.1, 10.0.0.2 } return');
    expect(to({})).toContain('  ip daddr { 0.0.0.0/0 } return');
    expect(to({ to: [{ podSelector: app('nobody') }] })).not.toContain('return');
  });
});
