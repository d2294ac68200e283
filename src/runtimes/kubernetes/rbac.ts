import type { ComponentDefinition } from '../../components/contract.ts';
import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { deliveryOf } from './context.ts';
import { baseComponent, labelsOf } from './labels.ts';
import { namespacesOf } from './namespaces.ts';

/** Account of the batch layer's jobs, which ask the cluster for nothing. */
export const jobAccount = 'jobs';

/** Account of lambdactl's own runs in the cluster (in-cluster.ts). */
export const cliAccount = 'lambdactl';

/**
 * An account for each component. None has a right and none gets a token, but for Airflow: its tasks start the batch layer's jobs and read
 * what they say. It can make and delete a run's Secret and never read one (which guards.ts sees to: a right to patch would do).
 */
export function accountObjects(
  components: readonly ComponentDefinition[],
  context: KubernetesContext,
): KubernetesObject[] {
  const labels = labelsOf(context.stack, baseComponent);
  const account = (name: string, namespace: string): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace, labels },
    automountServiceAccountToken: false,
  });
  const jobs = context.namespaceOf(jobAccount);
  const ours = withAccount(components, context);
  return [
    ...ours.map(({ name }) => account(name, context.namespaceOf(name))),
    account(jobAccount, jobs),
    account(cliAccount, jobs),
    ...jobStarters(components, context).flatMap((name) => [
      ...jobStarter(name, jobs, context),
      ...observers(name, jobs, context),
    ]),
  ];
}

/** Charts and operators make accounts of their own. */
const withAccount = (components: readonly ComponentDefinition[], { profile }: KubernetesContext) =>
  components.filter((each) => each.instances(profile).length > 0 && deliveryOf(each.name, profile) === null);

/** Accounts that start jobs; what their right to do so is narrowed to, guards.ts says. */
export const jobStarters = (components: readonly ComponentDefinition[], context: KubernetesContext): string[] => [
  cliAccount,
  ...withAccount(components, context).flatMap(({ name }) => (asksTheCluster(name) ? [name] : [])),
];

/** Whose pods may ask the API server. */
export const asksTheCluster = (component: string): boolean => component === 'airflow';

function jobStarter(component: string, namespace: string, context: KubernetesContext): KubernetesObject[] {
  const metadata = { name: `${component}-starts-jobs`, namespace, labels: labelsOf(context.stack, baseComponent) };
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules: [
        { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete', 'get', 'list', 'patch', 'watch'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
        { apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['create', 'delete', 'patch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: component, namespace: context.namespaceOf(component) }],
    },
  ];
}

/** lambdactl looks before it acts: whether the stack is up, and what its pods take. */
function observers(account: string, home: string, context: KubernetesContext): KubernetesObject[] {
  return namespacesOf(context).flatMap((namespace) => {
    const metadata = { name: `${account}-observes`, namespace, labels: labelsOf(context.stack, baseComponent) };
    const apiGroup = 'rbac.authorization.k8s.io';
    return [
      {
        apiVersion: `${apiGroup}/v1`,
        kind: 'Role',
        metadata,
        rules: [
          { apiGroups: ['', 'metrics.k8s.io'], resources: ['pods'], verbs: ['get', 'list'] },
          { apiGroups: [''], resources: ['events'], verbs: ['list'] },
          { apiGroups: ['apps'], resources: ['statefulsets', 'deployments'], verbs: ['get', 'list'] },
        ],
      },
      {
        apiVersion: `${apiGroup}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup, kind: 'Role', name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', name: account, namespace: home }],
      },
    ];
  });
}
