import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../../src/components/catalogue.ts';
import { type Profile, resolveProfile } from '../../src/platform/profile.ts';
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
  return {
    stack: 'default',
    profile,
    components: catalogue,
    credentials: Object.fromEntries(needs.map(({ id, user }) => [id, { user, secret: testSecret(id) }])),
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
