import { join } from 'node:path';
import { catalogue } from '../../components/catalogue.ts';
import type { ComponentDefinition } from '../../components/contract.ts';
import type { KubernetesContext } from '../../components/kubernetes.ts';
import { operatorOf } from '../../components/operators/index.ts';
import { certificatesOf } from '../../components/tls.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { composeSchemaNow } from '../../platform/schema.ts';
import { hashTree, namesNow, readNow } from '../../system/files.ts';
import { imagePython, imageRoot, stateRoot } from './image-layout.ts';
import type { ClusterRenderOptions } from './render.ts';

/** Components whose pods keep data; what computes and the batch layer's jobs are in "processing". */
const dataComponents: readonly string[] = [
  'postgres',
  'kafka',
  'clickhouse',
  'registry',
  'objectstore',
  'warehouse',
] satisfies ComponentName[];

/** Of a component, a job or "monitoring". */
export function namespaceOf(name: string, { kubernetes: { namespaces } }: Profile): string {
  if (name === 'monitoring') return namespaces.monitoring;
  return dataComponents.includes(name) ? namespaces.data : namespaces.processing;
}

/** Whether an upstream operator or chart makes the component run, and not a StatefulSet of ours. */
export function deliveryOf(component: ComponentName, { kubernetes: { delivery } }: Profile) {
  const wanted = component in delivery ? delivery[component as keyof typeof delivery] : 'plain';
  return wanted === 'operator' ? operatorOf(component) : null;
}

export function createContext(options: ClusterRenderOptions): KubernetesContext {
  const { profile, credentials, projectRoot } = options;
  const { images } = profile.kubernetes;
  const known = new Map([...catalogue, ...options.components].map((definition) => [definition.name, definition]));
  const ports = new Map(
    [...known.values()].flatMap((each) => each.ports(profile).map((need) => [need.id, need] as const)),
  );
  const owners = new Map(
    [...known.values()].flatMap((each) => each.instances(profile).map((name) => [name, each] as const)),
  );
  const credential = (id: string) => found(credentials, id, `credential ${id} was not declared or never made`);
  const portOf = (id: string) => {
    const need = ports.get(id);
    if (need === undefined) throw new Error(`port ${id} was not declared`);
    return need;
  };
  const ownerOf = (instance: string): ComponentDefinition => {
    const owner = owners.get(instance);
    if (owner === undefined) throw new Error(`no component has an instance ${instance}`);
    return owner;
  };
  const tag = (component: string) => `${images.prefix}/${component}:${options.imageTag}`;
  let schemas: Record<string, object> | undefined;
  return {
    stack: options.stack,
    profile,
    listenHost: '0.0.0.0',
    clientNetwork: '0.0.0.0/0',
    hostOf: (instance) => {
      const { name } = ownerOf(instance);
      const service = deliveryOf(name, profile)?.service(instance) ?? instance;
      return `${service}.${namespaceOf(name, profile)}.svc`;
    },
    outside: (id) => {
      const port = options.outside?.ports[id];
      return options.outside === null || port === undefined ? null : { host: options.outside.host, port };
    },
    port: (id) => {
      const { instance, preferred } = portOf(id);
      return deliveryOf(ownerOf(instance).name, profile)?.port?.(id) ?? preferred;
    },
    user: (id) => credential(id).user,
    secret: (id) => credential(id).secret,
    certificates: certificatesOf(profile, 'kubernetes', (id) => credential(id).secret),
    artifact: (name) => {
      const artifact = options.artifacts.get(name);
      if (artifact === undefined) throw new Error(`images have no artifact ${name}`);
      return artifact;
    },
    dir: (instance, kind) => `${stateRoot}/${kind}/${instance}`,
    projectDir: (kind) => `${imageRoot}/${kind}`,
    projectHash: (path) => hashTree(join(projectRoot, path)),
    template: options.template,
    python: imagePython,
    namespaceOf: (component) => namespaceOf(component, profile),
    image: (component) => images.overrides[component] ?? tag(component),
    imagePullPolicy: images.pullPolicy,
    nodePort: (id) => (options.nodePorts ? nodePortAt(id, profile, [...known.values()]) : null),
    get schemas() {
      schemas ??= readSchemas(projectRoot);
      return schemas;
    },
  };
}

/** First of the range that clusters hand out by default. */
const firstNodePort = 30_000;

export function nodePortAt(portId: string, profile: Profile, components: readonly ComponentDefinition[]): number {
  const ids = new Set([...catalogue, ...components].flatMap((each) => each.ports(profile).map(({ id }) => id)));
  const index = [...ids].sort().indexOf(portId);
  if (index === -1) throw new Error(`port ${portId} was not declared`);
  return firstNodePort + index;
}

function readSchemas(projectRoot: string): Record<string, object> {
  const directory = join(projectRoot, 'schemas');
  const files = namesNow(directory).filter((name) => name.endsWith('.schema.json'));
  return Object.fromEntries(files.map((file) => [file, composeSchemaNow(join(directory, file), readNow)]));
}

function found<T>(values: Readonly<Record<string, T>>, key: string, otherwise: string): T {
  const value = values[key];
  if (value === undefined) throw new Error(otherwise);
  return value;
}
