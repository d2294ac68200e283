import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import { findRig } from '../rig/control-plane/cache.ts';
import { type ClusterOptions, type ControlPlane, startControlPlane } from '../rig/control-plane/cluster.ts';

const rig = findRig();

/** As `describe`; where the control plane is not built its tests are skipped, and counted as such. */
export const describeOnCluster = describe.skipIf('missing' in rig);

/** A control plane of the enclosing block's own, ended after it. */
export function useCluster(options: ClusterOptions = {}): () => ControlPlane {
  let cluster: ControlPlane | undefined;
  beforeAll(async () => {
    cluster = await startControlPlane(options);
  });
  afterAll(() => cluster?.stop());
  return () => {
    if (cluster === undefined) throw new Error('the control plane did not start');
    return cluster;
  };
}

const bin = join(import.meta.dirname, '../../bin/lambdactl');

/** What `lambdactl render` writes for a stack that was never up, secrets included. */
export async function rendered(profile: string, ...flags: readonly string[]): Promise<KubernetesObject[]> {
  const home = mkdtempSync(join(tmpdir(), 'lambdactl-t-'));
  try {
    const args = ['render', '--profile', profile, '--output', '-', '--with-secrets', '--home', home, ...flags];
    const { stdout } = await execa(bin, args, { env: { CI: 'true' }, maxBuffer: 50_000_000 });
    return parseAllDocuments(stdout).flatMap((document) => document.toJS() ?? []);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

export const nameOf = ({ kind, metadata }: KubernetesObject): string =>
  [kind, metadata.namespace, metadata.name].filter((part) => part !== undefined).join(' ');

/** Documents that kubectl reads on its standard input. */
export const documents = (objects: readonly object[]): string => objects.map((each) => JSON.stringify(each)).join('\n');

export const isWorkload = ({ kind }: KubernetesObject): boolean =>
  ['StatefulSet', 'Deployment', 'DaemonSet', 'Job', 'CronJob'].includes(kind);
