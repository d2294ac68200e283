import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../src/components/catalogue.ts';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import { certificateNeeds } from '../../src/operations/credentials.ts';
import { type Profile, resolveProfile } from '../../src/platform/profile.ts';
import { authorityId, usesTls } from '../../src/platform/tls.ts';
import { imageArtifacts } from '../../src/runtimes/kubernetes/image-layout.ts';
import type { ClusterRenderOptions } from '../../src/runtimes/kubernetes/render.ts';
import { loadTemplates } from '../../src/runtimes/templates.ts';

export const projectRoot = join(import.meta.dirname, '../..');

export const shippedProfile = (name: string): Promise<Profile> =>
  resolveProfile(name, async (ref) => {
    const path = `profiles/${ref}.yaml`;
    return { path, text: readFileSync(join(projectRoot, path), 'utf8') };
  });

/** Secrets that are recognised wherever they turn up. */
export const testSecret = (id: string): string => `Sealed-${id.replaceAll('.', '-')}-0123`;

/** Everything of the catalogue, with such secrets. */
export async function clusterOptions(
  profile: Profile,
  over: Partial<ClusterRenderOptions> = {},
): Promise<ClusterRenderOptions> {
  const needs = catalogue.flatMap(({ credentials }) => credentials);
  const wish = { profile, components: catalogue, runtime: 'kubernetes' as const };
  const issued = usesTls(profile, 'kubernetes')
    ? [authorityId, ...(await certificateNeeds(wish)).map(({ id }) => id)].map((id) => ({ id, user: id }))
    : [];
  return {
    stack: 'default',
    profile,
    components: catalogue,
    credentials: Object.fromEntries(
      [...needs, ...issued].map(({ id, user }) => [id, { user, secret: testSecret(id) }]),
    ),
    artifacts: imageArtifacts('0123456789ab'),
    projectRoot,
    template: await loadTemplates(join(projectRoot, 'templates')),
    imageTag: '0123456789ab',
    outside: null,
    nodePorts: false,
    ...over,
  };
}

/** With every component as a StatefulSet of ours. */
export function plainly(profile: Profile): Profile {
  const delivery = Object.fromEntries(Object.keys(profile.kubernetes.delivery).map((name) => [name, 'plain']));
  // The keys are those of the profile.
  return { ...profile, kubernetes: { ...profile.kubernetes, delivery: delivery as Profile['kubernetes']['delivery'] } };
}

/** "Kind namespace/name" of each. */
export const titles = (objects: readonly KubernetesObject[]) =>
  objects.map(
    ({ kind, metadata: { namespace, name } }) => `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
  );

/** Pods that these objects make. */
export const podSpecs = (objects: readonly KubernetesObject[]) =>
  objects.flatMap((object) => {
    // Shapes of our own making.
    const spec = object.spec as { template?: { spec: PodSpec } } | undefined;
    return spec?.template === undefined
      ? []
      : [{ name: object.metadata.name, namespace: object.metadata.namespace ?? '', pod: spec.template.spec }];
  });

interface Container {
  name: string;
  args: string[];
  image: string;
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  resources: { requests: { cpu: string; memory: string }; limits: Record<string, string> };
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string }[];
  startupProbe?: object;
  readinessProbe?: object;
  livenessProbe?: object;
}
interface PodSpec {
  serviceAccountName: string;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  shareProcessNamespace: boolean;
  securityContext: Record<string, unknown>;
  initContainers?: Container[];
  containers: Container[];
  volumes: {
    name: string;
    projected?: {
      sources: {
        configMap?: { name: string; items: { key: string }[] };
        secret?: { name: string; items: { key: string }[] };
      }[];
    };
  }[];
}

/** Ids of the credentials whose secrets show. */
export function testSecretsIn(objects: readonly KubernetesObject[]): string[] {
  const text = JSON.stringify(objects);
  // The cluster's identity is no secret, but a setting of its own.
  return catalogue
    .flatMap(({ credentials }) => credentials.map(({ id }) => id))
    .filter((id) => text.includes(testSecret(id)));
}
