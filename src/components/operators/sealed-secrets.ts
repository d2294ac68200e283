import type { HelmRelease, KubernetesContext, KubernetesObject } from '../kubernetes.ts';
import { imageParts, release, upstreamImage } from './charts.ts';
import { policy } from './network.ts';
import { fixedResources, podLabels } from './objects.ts';

/** Name of the controller's release and Service, which kubeseal asks for its certificate. */
export const sealedSecretsController = 'sealed-secrets';

const controllerPort = 8080;

/** In the namespace of the data, whose secrets are the most; it unseals in all of them. */
export const sealedSecretsNamespace = (context: KubernetesContext): string => context.namespaceOf('postgres');

export function sealedSecretsRelease(context: KubernetesContext): readonly HelmRelease[] {
  const image = imageParts(upstreamImage(context, 'sealed-secrets'));
  return release(context, 'sealed-secrets', sealedSecretsNamespace(context), {
    fullnameOverride: sealedSecretsController,
    image: { ...image, pullPolicy: context.imagePullPolicy },
    resources: fixedResources(24, 48, '10m'),
    podLabels: podLabels(context, sealedSecretsController),
    podSecurityContext: { enabled: true, fsGroup: 65534, seccompProfile: { type: 'RuntimeDefault' } },
    containerSecurityContext: {
      enabled: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      runAsUser: 1001,
      capabilities: { drop: ['ALL'] },
    },
  });
}

export function sealedSecretsObjects(context: KubernetesContext): readonly KubernetesObject[] {
  const pods = { namespace: sealedSecretsNamespace(context), pods: podLabels(context, sealedSecretsController) };
  const flows = { apiServer: true, webhook: controllerPort };
  return [policy(context, sealedSecretsController, { ...pods, component: 'postgres' }, flows)];
}
