import type { ComponentDefinition } from '../components/contract.ts';
import type { Profile } from '../platform/profile.ts';
import { authorityId, certificateId, usesTls } from '../platform/tls.ts';
import { type CertificateNeed, ensureCertificates } from '../state/certificates.ts';
import type { StackPaths } from '../state/paths.ts';
import { type Credentials, ensureSecrets } from '../state/secrets.ts';

export interface CredentialWish {
  profile: Profile;
  components: readonly ComponentDefinition[];
  runtime: 'embedded' | 'kubernetes';
}

/** Everything secret that these components need, certificates among it; what is missing or near its end is made. The caller holds the stack's lock. */
export async function ensureCredentials(paths: StackPaths, wish: CredentialWish): Promise<Credentials> {
  const credentials = await ensureSecrets(
    paths,
    wish.components.flatMap((each) => each.credentials),
  );
  if (!usesTls(wish.profile, wish.runtime)) return credentials;
  return ensureCertificates(paths, authorityId, await certificateNeeds(wish));
}

/** Where users reach every server: on their own machine, by mapped or forwarded ports. */
const local = ['localhost', '127.0.0.1'];

export async function certificateNeeds({ profile, components, runtime }: CredentialWish): Promise<CertificateNeed[]> {
  const inside = runtime === 'kubernetes' ? (await import('../runtimes/kubernetes/server-names.ts')).serverNames : null;
  return components
    .filter(({ servesTls }) => servesTls === true)
    .flatMap((component) =>
      component.instances(profile).map((instance) => ({
        id: certificateId(instance),
        instance,
        names: [...(inside?.(component, instance, profile) ?? [instance]), ...local],
      })),
    );
}
