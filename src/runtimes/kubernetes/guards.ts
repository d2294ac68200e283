import type { ComponentDefinition } from '../../components/contract.ts';
import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import { s3Secret } from './accounts.ts';
import type { ObjectRef } from './client.ts';
import { jobNames } from './jobs.ts';
import { labelsOf } from './labels.ts';
import { cliAccount, jobAccount, jobStarters } from './rbac.ts';

/** Component label of what rights alone cannot say; applied by itself, because not every user may set such rules. */
export const guardComponent = 'guards';

const apiVersion = 'admissionregistration.k8s.io/v1';
const kinds: readonly string[] = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];

export const isGuard = (ref: ObjectRef): boolean => ref.apiVersion === apiVersion && kinds.includes(ref.kind);

/** Names of runs, as jobs.ts gives them. */
const runPattern = `(${jobNames.join('|')})-[a-z0-9]{1,20}`;

interface Guard {
  name: string;
  /** Of a resource rule. */
  resources: Readonly<Record<'apiGroups' | 'resources' | 'operations', readonly string[]>>;
  variables?: readonly { name: string; expression: string }[];
  validations: readonly { expression: string; message: string }[];
}

/**
 * Who may create a Job may have its pod mount any Secret of the namespace, and who may patch one gets it as the answer: so
 * accounts with these rights are held to what a run of ours consists of.
 */
const guards: readonly Guard[] = [
  {
    name: 'jobs',
    resources: { apiGroups: ['batch'], resources: ['jobs'], operations: ['CREATE', 'UPDATE'] },
    variables: [
      { name: 'spec', expression: 'object.spec.template.spec' },
      {
        name: 'containers',
        expression: 'variables.spec.containers + variables.spec.?initContainers.orValue([])',
      },
      { name: 'volumes', expression: 'variables.spec.?volumes.orValue([])' },
      {
        name: 'secrets',
        expression: `[object.metadata.name + '-env', object.metadata.name + '-conf', '${s3Secret}']`,
      },
    ],
    validations: [
      { expression: `object.metadata.name.matches('^${runPattern}$')`, message: 'a Job of this account is a run' },
      {
        expression: `variables.spec.?serviceAccountName.orValue('default') in ['${jobAccount}', '${cliAccount}']`,
        message: 'a run has an account of runs',
      },
      {
        expression: 'variables.volumes.all(v, has(v.emptyDir) || has(v.configMap) || has(v.projected))',
        message: 'a run mounts what is its own alone',
      },
      {
        expression:
          'variables.volumes.all(v, !has(v.projected) || v.projected.?sources.orValue([]).all(s, !has(s.secret) || s.secret.?name.orValue("") in variables.secrets))',
        message: 'a run mounts its own Secret alone',
      },
      {
        expression:
          'variables.containers.all(c, c.?env.orValue([]).all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef) || e.valueFrom.secretKeyRef.?name.orValue("") in variables.secrets))',
        message: 'a run has variables of its own Secret alone',
      },
      {
        expression:
          'variables.containers.all(c, c.?envFrom.orValue([]).all(f, !has(f.secretRef) || f.secretRef.?name.orValue("") in variables.secrets))',
        message: 'a run has variables of its own Secret alone',
      },
    ],
  },
  {
    name: 'files',
    resources: {
      apiGroups: [''],
      resources: ['secrets', 'configmaps'],
      operations: ['CREATE', 'UPDATE', 'DELETE'],
    },
    validations: [
      {
        expression: `request.name.matches('^${runPattern}-(env|conf)$')`,
        message: 'this account makes files of runs alone',
      },
    ],
  },
];

export function guardObjects(
  components: readonly ComponentDefinition[],
  context: KubernetesContext,
): KubernetesObject[] {
  const labels = labelsOf(context.stack, guardComponent);
  const namespace = context.namespaceOf(jobAccount);
  const users = jobStarters(components, context).map(
    (name) => `'system:serviceaccount:${context.namespaceOf(name)}:${name}'`,
  );
  return guards.flatMap(({ name, resources, variables, validations }) => {
    // Not in a namespace: the stack's name tells it from another stack's.
    const metadata = { name: `lambdactl-${context.stack}-${name}`, labels };
    const spec = {
      failurePolicy: 'Fail',
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        resourceRules: [{ ...resources, apiVersions: ['v1'] }],
      },
      matchConditions: [{ name: 'account', expression: `request.userInfo.username in [${users.join(', ')}]` }],
      ...(variables === undefined ? {} : { variables }),
      validations,
    };
    const binding = { policyName: metadata.name, validationActions: ['Deny'] };
    return [
      { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata, spec },
      { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: binding },
    ];
  });
}
