import { beforeAll, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/components/kubernetes.ts';
import type { ControlPlane } from '../rig/control-plane/cluster.ts';
import { describeOnCluster, documents, nameOf, rendered, useCluster } from './support.ts';

interface Rule {
  verbs: readonly string[];
  apiGroups: readonly string[];
  resources: readonly string[];
  resourceNames?: readonly string[];
}

/** What nobody of ours may do anywhere: each is, or becomes, a way to every secret or every right. */
const never: readonly (readonly [verb: string, group: string, resource: string])[] = [
  ['list', '', 'secrets'],
  ['watch', '', 'secrets'],
  ['create', '', 'pods/exec'],
  ['create', '', 'pods/portforward'],
  ['create', '', 'serviceaccounts/token'],
  ['get', '', 'nodes/proxy'],
  ['impersonate', '', 'users'],
  ['create', 'rbac.authorization.k8s.io', 'rolebindings'],
  ['escalate', 'rbac.authorization.k8s.io', 'roles'],
  ['bind', 'rbac.authorization.k8s.io', 'clusterroles'],
  ['create', 'admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
  ['patch', 'admissionregistration.k8s.io', 'validatingadmissionpolicies'],
  ['delete', '', 'namespaces'],
  ['delete', '', 'persistentvolumeclaims'],
  ['*', '*', '*'],
];

describeOnCluster.each(['lite', 'full'])('rights of the service accounts of profile %s', (profile) => {
  const cluster = useCluster({ controllers: false });
  let accounts: readonly string[] = [];
  let objects: readonly KubernetesObject[] = [];
  let namespaces: readonly string[] = [];

  beforeAll(async () => {
    objects = await rendered(profile);
    const kinds = ['Namespace', 'ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'];
    const applied = kinds.flatMap((wanted) => objects.filter(({ kind }) => kind === wanted));
    await cluster().kubectl(['apply', '--server-side', '-f', '-'], documents(applied));
    accounts = objects
      .filter(({ kind }) => kind === 'ServiceAccount')
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    namespaces = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
    expect(accounts.length).toBeGreaterThan(3);
  });

  it('are these and no others', async () => {
    const lines: string[] = [];
    for (const account of accounts) {
      for (const namespace of namespaces) {
        const rights = await rightsOf(cluster(), account, namespace);
        if (rights.length > 0) lines.push(`${account} in ${namespace}:`, ...rights.map((right) => `  ${right}`));
      }
      // What an account may do where it has no business, it may do everywhere.
      expect(await rightsOf(cluster(), account, 'kube-system'), account).toEqual([]);
    }
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`rights-${profile}.txt`);
  });

  it('never reach what leads to every secret or every right', async () => {
    const questions = accounts.flatMap((account) =>
      [...namespaces, 'kube-system'].flatMap((namespace) => never.map((right) => ({ account, namespace, right }))),
    );
    const reviews = questions.map(({ account, namespace, right: [verb, group, resource] }) =>
      reviewOf(account, namespace, verb, group, resource),
    );
    const format = 'jsonpath={.status.allowed}{"\\n"}';
    const answers = await cluster().kubectl(['create', '-o', format, '-f', '-'], documents(reviews));
    const allowed = answers.trim().split('\n');
    expect(allowed).toHaveLength(questions.length);
    expect(questions.filter((_, index) => allowed[index] !== 'false')).toEqual([]);
  });

  it('are bound to accounts of ours alone', () => {
    const bound = objects.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding');
    const strange = bound.filter(({ subjects }) =>
      // A binding's subjects are a list in the API.
      (subjects as { kind: string; name: string; namespace?: string }[]).some(
        ({ kind, name, namespace }) => kind !== 'ServiceAccount' || !accounts.includes(`${namespace}/${name}`),
      ),
    );
    expect(strange.map(nameOf)).toEqual([]);
  });

  it('come with a token only where there are rights', async () => {
    for (const { metadata, automountServiceAccountToken } of objects.filter(({ kind }) => kind === 'ServiceAccount')) {
      if (automountServiceAccountToken === false) continue;
      const account = `${metadata.namespace}/${metadata.name}`;
      const rights = await Promise.all(namespaces.map((namespace) => rightsOf(cluster(), account, namespace)));
      expect(rights.flat(), `${account} mounts a token`).not.toEqual([]);
    }
  });
});

const userOf = (account: string) => `system:serviceaccount:${account.replace('/', ':')}`;

/** Every rule that applies to the account in the namespace, but those that everybody has. */
async function rightsOf(cluster: ControlPlane, account: string, namespace: string): Promise<string[]> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  // Checked by the server; kubectl's own check needs a right that the account has not.
  const args = ['create', '--validate=false', '-o', 'json', '-f', '-', '--as', userOf(account)];
  const { status } = JSON.parse(await cluster.kubectl(args, documents([review])));
  expect(status.incomplete).toBe(false);
  const rules: readonly Rule[] = status.resourceRules;
  return rules
    .filter(
      ({ apiGroups }) => !apiGroups.every((group) => ['authorization.k8s.io', 'authentication.k8s.io'].includes(group)),
    )
    .map(({ verbs, apiGroups, resources, resourceNames = [] }) => {
      const what = apiGroups.flatMap((group) => resources.map((name) => [name, group].filter(Boolean).join('.')));
      const which = resourceNames.length === 0 ? '' : ` named ${resourceNames.join(' ')}`;
      return `${what.join(' ')}${which}: ${verbs.join(' ')}`;
    })
    .toSorted();
}

function reviewOf(account: string, namespace: string, verb: string, group: string, resource: string): object {
  const [kind, subresource] = resource.split('/');
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: userOf(account),
      groups: ['system:serviceaccounts', `system:serviceaccounts:${account.split('/')[0]}`, 'system:authenticated'],
      resourceAttributes: {
        verb,
        group,
        resource: kind,
        namespace,
        ...(subresource === undefined ? {} : { subresource }),
      },
    },
  };
}
