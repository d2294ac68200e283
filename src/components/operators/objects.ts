import { createHash } from 'node:crypto';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { KubernetesContext, KubernetesObject } from '../kubernetes.ts';

/** On every object, and on the pods that operators make: NetworkPolicies and `prune` go by them. */
export function labels(context: KubernetesContext, component: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': component,
    'app.kubernetes.io/instance': context.stack,
    'app.kubernetes.io/managed-by': 'lambdactl',
    'app.kubernetes.io/part-of': 'lambdactl',
    ...podLabels(context, component),
  };
}

/** Those of the above that no operator claims for itself. */
export function podLabels(context: KubernetesContext, component: string): Record<string, string> {
  return { 'lambdactl.dev/stack': context.stack, 'lambdactl.dev/component': component };
}

interface Named {
  apiVersion: string;
  kind: string;
  name: string;
  component: ComponentName;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

/** An object in its component's namespace. */
export function object(context: KubernetesContext, named: Named, body: Record<string, unknown>): KubernetesObject {
  const { apiVersion, kind, name, component, annotations } = named;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: context.namespaceOf(component),
      labels: { ...labels(context, component), ...named.labels },
      ...(annotations === undefined ? {} : { annotations }),
    },
    ...body,
  };
}

/** @param type "kubernetes.io/basic-auth" for logins */
export function secret(
  context: KubernetesContext,
  component: ComponentName,
  name: string,
  stringData: Readonly<Record<string, string>>,
  type = 'Opaque',
): KubernetesObject {
  // Not as stringData: what is taken out of that stays in the Secret.
  const data = Object.fromEntries(Object.entries(stringData).map(([key, text]) => [key, base64(text)]));
  return object(context, { apiVersion: 'v1', kind: 'Secret', name, component }, { type, data });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Certificate of an instance, its key and the authority's certificate, under the names that upstream's operators know; none without TLS. */
export function certificateSecrets(
  context: KubernetesContext,
  component: ComponentName,
  instance: string,
): KubernetesObject[] {
  if (context.certificates === null) return [];
  const { key, certificate } = context.certificates.of(instance);
  const data = { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': context.certificates.authority };
  const made = secret(context, component, `${instance}-tls`, data, 'kubernetes.io/tls');
  // CloudNativePG takes a renewed one at once where it is told to look.
  const reload = component === 'postgres' ? { 'cnpg.io/reload': '' } : {};
  return [{ ...made, metadata: { ...made.metadata, labels: { ...made.metadata.labels, ...reload } } }];
}

/** The authority's certificate for a client's pods, as volume and mount; none without TLS. */
export function authorityMount(context: KubernetesContext, component: ComponentName, directory: string) {
  if (context.certificates === null) return { objects: [], volumes: [], mounts: [] };
  const name = `${component}-authority`;
  return {
    objects: [secret(context, component, name, { 'ca.crt': context.certificates.authority })],
    volumes: [{ name: 'authority', secret: { secretName: name } }],
    mounts: [{ name: 'authority', mountPath: directory, readOnly: true }],
  };
}

/** A login as CloudNativePG reads it. */
export function loginSecret(
  context: KubernetesContext,
  component: ComponentName,
  name: string,
  credential: string,
): KubernetesObject {
  const data = { username: context.user(credential), password: context.secret(credential) };
  return secret(context, component, name, data, 'kubernetes.io/basic-auth');
}

/**
 * The Service of an instance under its name, in front of pods that an operator made, and the one that nodes' ports lead to.
 * @param ports ids; Service and pods listen where `context.port` says
 */
export function instanceServices(
  context: KubernetesContext,
  component: ComponentName,
  instance: string,
  selector: Readonly<Record<string, string>>,
  ports: readonly string[],
): KubernetesObject[] {
  const service = (name: string, type: 'ClusterIP' | 'NodePort', list: readonly Record<string, unknown>[]) =>
    object(context, { apiVersion: 'v1', kind: 'Service', name, component }, { spec: { type, selector, ports: list } });
  const portName = (id: string) => id.slice(id.indexOf('.') + 1);
  const inside = ports.map((id) => ({ name: portName(id), port: context.port(id) }));
  const outside = inside.flatMap((entry, index) => {
    const nodePort = context.nodePort(ports[index] ?? '');
    return nodePort === null ? [] : [{ ...entry, nodePort }];
  });
  return [
    service(instance, 'ClusterIP', inside),
    ...(outside.length === 0 ? [] : [service(`${instance}-outside`, 'NodePort', outside)]),
  ];
}

/** Memory as plain delivery gives it: the budget is asked for, a quarter more is the limit. CPU is asked for and never limited. */
export function resources(budgetMiB: number, cpu: string): Record<string, Record<string, string>> {
  return fixedResources(budgetMiB, Math.ceil((budgetMiB * 1.25) / 32) * 32, cpu);
}

/** @param cpu e.g. "100m" */
export function fixedResources(
  requestMiB: number,
  limitMiB: number,
  cpu: string,
): Record<string, Record<string, string>> {
  return { requests: { cpu, memory: `${requestMiB}Mi` }, limits: { memory: `${limitMiB}Mi` } };
}

/** What Pod Security "restricted" asks of a container. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Annotation of pods that read a Secret at their start: a changed one makes new pods. */
export function revision(content: Readonly<Record<string, string>>): Record<string, string> {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { 'lambdactl.dev/revision': hash.slice(0, 16) };
}

/** A claim's spec for a component's data. */
export function claim(context: KubernetesContext, volume: string): Record<string, unknown> {
  const { storageClass, volumesGiB } = context.profile.kubernetes;
  return {
    accessModes: ['ReadWriteOnce'],
    ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
    resources: { requests: { storage: `${volumesGiB[volume] ?? 5}Gi` } },
  };
}

/** Where pods may run and how their images are pulled, as the profile says: parts of a pod's spec. */
export function placement({ profile }: Pick<KubernetesContext, 'profile'>): Record<string, unknown> {
  const { nodeSelector, imagePullSecrets } = profile.kubernetes;
  return {
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
  };
}

/** The same for Strimzi, which knows no node selector. */
export function strimziPlacement(context: Pick<KubernetesContext, 'profile'>): Record<string, unknown> {
  const { nodeSelector, ...rest } = placement(context);
  const wanted = Object.entries(context.profile.kubernetes.nodeSelector ?? {});
  if (nodeSelector === undefined || wanted.length === 0) return rest;
  const matchExpressions = wanted.map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  const terms = { nodeSelectorTerms: [{ matchExpressions }] };
  return { ...rest, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } };
}

/** Lines "key = value" of a rendered settings file; comments are passed over, quotes of values taken off. */
export function settingsOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^\s*([\w.]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && !line.trimStart().startsWith('#')) found[key] = value.replace(/^'(.*)'$/, '$1');
  }
  return found;
}

/** Settings without those that an operator sets itself: by prefix, but for the exceptions. */
export function without(
  settings: Readonly<Record<string, string>>,
  prefixes: readonly string[],
  exceptions: readonly string[] = [],
): Record<string, string> {
  const dropped = (key: string) => prefixes.some((prefix) => key.startsWith(prefix)) && !exceptions.includes(key);
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !dropped(key)));
}

/** Content of a rendered file by the end of its path. */
export function fileOf(files: readonly { path: string; content: string }[], name: string): string {
  const found = files.find(({ path }) => path.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no file ${name} was rendered`);
  return found.content;
}
