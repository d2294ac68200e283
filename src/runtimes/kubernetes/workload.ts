import type { CliStack } from '../../components/cli-job.ts';
import type { ComponentDefinition, InstancePlan } from '../../components/contract.ts';
import type { KubernetesContext, KubernetesObject } from '../../components/kubernetes.ts';
import type { CommandSpec } from '../../core/service-spec.ts';
import { configObjects, configVolume, secretObject, specHash } from './config.ts';
import { containerOf, copyConfig, onlyOnce, podProcesses, podSecurity, stoppable } from './containers.ts';
import { withStack } from './in-cluster.ts';
import { labelNames, labelsOf, podOf, podsOf, specHashAnnotation } from './labels.ts';
import { probesFor } from './probes.ts';
import { resourcesFor } from './quantities.ts';
import { asksTheCluster } from './rbac.ts';
import { mergeSecrets, type PartedCommand, partCommand, partFiles } from './secrecy.ts';
import { portName, servicesFor, userPort } from './services.ts';
import { mountsOf, scratchVolumes, volumeClaims } from './storage.ts';

/** Both renderings of the same component: with its credentials, and with others, to tell what is secret. */
export interface Contexts {
  context: KubernetesContext;
  other: KubernetesContext;
  /** The stack as its own pods are told it, where they run lambdactl. */
  cli: CliStack;
}

/** Seconds that a pod gets beyond its program's own grace, for the shell around it and the kubelet. */
const graceMarginSeconds = 5;

/** Instances that share files are containers of one pod; each of the others has a pod of its own. */
const inOnePod: readonly string[] = ['airflow'];

interface Pod {
  name: string;
  instances: readonly string[];
}

function podsFor(definition: ComponentDefinition, { profile }: Pick<KubernetesContext, 'profile'>): Pod[] {
  const instances = definition.instances(profile);
  if (instances.length === 0) return [];
  if (inOnePod.includes(definition.name)) return [{ name: definition.name, instances }];
  return instances.map((name) => ({ name, instances: [name] }));
}

/** Everything of a component that runs as StatefulSets of ours. */
export function plainObjects(definition: ComponentDefinition, contexts: Contexts): KubernetesObject[] {
  const pods = podsFor(definition, contexts.context);
  return [
    ...pods.flatMap((pod) => podObjects(definition, pod, contexts)),
    ...(pods.length > 1 ? [disruptionBudget(definition, contexts.context)] : []),
  ];
}

/** One of several may be away at a time, for a node that is emptied. */
function disruptionBudget({ name }: ComponentDefinition, { stack, namespaceOf }: KubernetesContext): KubernetesObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: namespaceOf(name), labels: labelsOf(stack, name) },
    spec: { maxUnavailable: 1, selector: { matchLabels: podsOf(stack, name) } },
  };
}

interface Instance {
  name: string;
  plan: InstancePlan;
  other: InstancePlan;
  files: ReturnType<typeof partFiles>;
  command: PartedCommand;
}

function instanceOf(definition: ComponentDefinition, name: string, { context, other, cli }: Contexts): Instance {
  const rendered = (each: KubernetesContext) =>
    withStack(definition.render(each, name), context.dir(name, 'conf'), cli);
  const [plan, otherPlan] = [rendered(context), rendered(other)];
  return {
    name,
    plan,
    other: otherPlan,
    files: partFiles(plan.files, otherPlan.files),
    command: partCommand(plan.service.command, otherPlan.service.command),
  };
}

const environmentName = (instance: string): string => `${instance}-env`;

function podObjects(definition: ComponentDefinition, pod: Pod, contexts: Contexts): KubernetesObject[] {
  const { context } = contexts;
  const labels = labelsOf(context.stack, definition.name);
  const place = { namespace: context.namespaceOf(definition.name), labels };
  const instances = pod.instances.map((name) => instanceOf(definition, name, contexts));
  const prepared = instances.flatMap((instance) => prepareContainers(definition, instance, pod, context));
  const secretsOf = ({ name, command }: Instance) =>
    mergeSecrets([...prepared.filter(({ instance }) => instance === name).map((each) => each.command), command]);
  const config = instances.flatMap((instance) => {
    const secrets = secretsOf(instance);
    return [
      ...configObjects(instance.name, instance.files, place),
      ...(Object.keys(secrets).length === 0 ? [] : [secretObject(environmentName(instance.name), secrets, place)]),
    ];
  });
  const spec = podSpec(
    definition,
    pod,
    instances,
    prepared.map(({ container }) => container),
    context,
  );
  const hash = specHash(
    spec,
    config.map(({ data }) => data),
  );
  const services = pod.instances.flatMap((instance) => servicesFor(definition, instance, pod.name, context));
  return [
    ...config,
    ...services,
    statefulSet(definition, pod, { spec, hash, service: services[0]?.metadata.name }, context),
  ];
}

function statefulSet(
  definition: ComponentDefinition,
  pod: Pod,
  { spec, hash, service }: { spec: object; hash: string; service: string | undefined },
  { stack, profile, namespaceOf }: KubernetesContext,
): KubernetesObject {
  const labels = labelsOf(stack, definition.name);
  const annotations = { [specHashAnnotation]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: pod.name, namespace: namespaceOf(definition.name), labels, annotations },
    spec: {
      replicas: 1,
      serviceName: service ?? pod.name,
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 3,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      selector: { matchLabels: podOf(stack, pod.name) },
      template: { metadata: { labels: { ...labels, [labelNames.instance]: pod.name }, annotations }, spec },
      volumeClaimTemplates: volumeClaims(definition.name, podsOf(stack, definition.name), profile),
    },
  };
}

/** Steps that must have succeeded once, in the order of the instances; the supervisor's markers guard them. */
function prepareContainers(definition: ComponentDefinition, instance: Instance, pod: Pod, context: KubernetesContext) {
  const { service } = instance.plan;
  const resources = resourcesFor(definition.name, service.memoryBytes, context.profile);
  return service.prepare.map((step, index) => {
    const command = partCommand(step.command, otherStep(instance, index), `PREPARE_${index + 1}`);
    const container = containerOf(
      {
        name: `${instance.name}-prepare${service.prepare.length > 1 ? `-${index + 1}` : ''}`,
        component: definition.name,
        command: onlyOnce(command, step.marker),
        cwd: step.command.cwd,
        mounts: mountsOf(instance.name, pod.instances, instance.plan.files.length > 0),
        resources,
        secretName: environmentName(instance.name),
      },
      context,
    );
    return { instance: instance.name, command, container };
  });
}

function otherStep({ other }: Instance, index: number): CommandSpec {
  const step = other.service.prepare[index];
  if (step === undefined) throw new Error(`preparations of ${other.service.name} depend on its credentials`);
  return step.command;
}

function podSpec(
  definition: ComponentDefinition,
  pod: Pod,
  instances: readonly Instance[],
  prepared: readonly object[],
  context: KubernetesContext,
) {
  const { profile } = context;
  const grace = Math.max(...instances.map(({ plan }) => plan.service.stopGraceMs)) / 1000;
  const writable = instances.filter(({ plan }) => plan.service.opensConfForWriting === true);
  const copies = writable.map(({ name, plan }) =>
    copyConfig(name, definition.name, resourcesFor(definition.name, plan.service.memoryBytes, profile), context),
  );
  return {
    serviceAccountName: definition.name,
    automountServiceAccountToken: asksTheCluster(definition.name),
    // Variables like KAFKA_PORT of every Service would be taken for settings.
    enableServiceLinks: false,
    terminationGracePeriodSeconds: Math.ceil(grace) + graceMarginSeconds,
    ...podProcesses,
    securityContext: podSecurity,
    ...placement(definition, context),
    // Its own names lead to itself at once: not every network lets a pod reach itself by way of its Service.
    hostAliases: [{ ip: '127.0.0.1', hostnames: ownNames(definition, pod, context) }],
    initContainers: [...copies, ...prepared],
    containers: instances.map((instance) => mainContainer(definition, instance, pod, context)),
    volumes: [...scratchVolumes(definition.name, profile), ...instances.flatMap(configVolumes)],
  };
}

function ownNames(definition: ComponentDefinition, pod: Pod, context: KubernetesContext): string[] {
  const served = new Set(definition.ports(context.profile).map(({ instance }) => instance));
  return pod.instances.filter((instance) => served.has(instance)).map((instance) => context.hostOf(instance));
}

/** Where pods may run; brokers on different nodes where there are several. */
function placement(definition: ComponentDefinition, { profile, stack }: KubernetesContext) {
  const { nodeSelector, imagePullSecrets } = profile.kubernetes;
  const several = podsFor(definition, { profile }).length > 1;
  return {
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(imagePullSecrets === undefined ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    ...(several
      ? {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: podsOf(stack, definition.name) },
            },
          ],
        }
      : {}),
  };
}

function configVolumes({ name, plan, files }: Instance) {
  if (plan.files.length === 0) return [];
  if (plan.service.opensConfForWriting !== true) return [configVolume(`conf-${name}`, name, files)];
  return [
    configVolume(`given-${name}`, name, files),
    { name: `conf-${name}`, emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
  ];
}

function mainContainer(
  definition: ComponentDefinition,
  { name, plan, command }: Instance,
  pod: Pod,
  context: KubernetesContext,
) {
  const { service } = plan;
  const mounts = mountsOf(name, pod.instances, plan.files.length > 0).map((mount) =>
    mount.name === `conf-${name}` && service.opensConfForWriting === true ? { ...mount, readOnly: false } : mount,
  );
  const container = containerOf(
    {
      name,
      component: definition.name,
      command: stoppable(command, service.stopSignal),
      cwd: service.command.cwd,
      mounts,
      resources: resourcesFor(definition.name, service.memoryBytes, context.profile, service.childMemoryBytes),
      secretName: environmentName(name),
    },
    context,
  );
  const ports = definition
    .ports(context.profile)
    .filter(({ instance }) => instance === name)
    .flatMap((need) => {
      const port = context.port(need.id);
      const forUsers = userPort(definition, need, context);
      const named = { name: portName(need), containerPort: port, protocol: 'TCP' };
      const second = need.id.endsWith('.broker') && forUsers !== port;
      return second ? [named, { name: 'outside', containerPort: forUsers, protocol: 'TCP' }] : [named];
    });
  return { ...container, ...(ports.length === 0 ? {} : { ports }), ...probesFor(service, context) };
}
