import { sealedSecretsController } from '../../components/operators/index.ts';
import { usageError } from '../../core/errors.ts';
import type { Profile } from '../../platform/profile.ts';
import type { SealingController } from '../../runtimes/kubernetes/sealed.ts';
import type { OpenStack } from '../stack.ts';

/**
 * The controller of a context; of the stack's own cluster where none is named.
 * @param controller "namespace/name" of its Service; the one that `up` installs when null
 * @returns null where there is no cluster to ask
 * @throws LambdaError BAD_USAGE
 */
export function controllerOf(
  stack: OpenStack,
  profile: Profile,
  { context, controller }: { context: string | null; controller: string | null },
): SealingController | null {
  const ours = `${profile.kubernetes.namespaces.data}/${sealedSecretsController}`;
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(controller ?? ours) ?? [];
  if (namespace === undefined || name === undefined) {
    throw usageError(`--controller ${controller}: expected NAMESPACE/NAME.`, {
      code: 'BAD_USAGE',
      actions: ['e.g. --controller kube-system/sealed-secrets-controller'],
    });
  }
  const kubeContext = context ?? stack.cluster?.context ?? null;
  return kubeContext === null ? null : { kubeContext, namespace, name };
}
