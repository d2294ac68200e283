/** What a cluster is asked for, as plain data: made by src/components and src/runtimes/kubernetes, carried out by the latter. */
import type { Profile } from '../platform/profile.ts';
import type { RenderContext } from './contract.ts';

/** Any object of the Kubernetes API as it is applied: without status, uid and managed fields. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    /** Absent of what belongs to the cluster as a whole. */
    namespace?: string;
    labels?: Readonly<Record<string, string>>;
    annotations?: Readonly<Record<string, string>>;
  };
  [field: string]: unknown;
}

/** One upstream chart, pinned; `chart` and `repository` may be overridden by the profile with a local directory. */
export interface HelmRelease {
  /** Release name, unique in its namespace. */
  name: string;
  namespace: string;
  /** "strimzi-kafka-operator", or an "oci://…" address. */
  chart: string;
  /** Of charts that are no OCI artifacts. */
  repository?: string;
  version: string;
  /** Secrets are never part of them: they are named here and held by Secret objects. */
  values: Readonly<Record<string, unknown>>;
  /** Kinds that the chart brings, "group/Kind": what uses them waits until the API server serves them. */
  brings: readonly string[];
}

/** How a component is delivered by an upstream operator or chart, beside our own StatefulSet of it (docs/adr/0024). */
export interface OperatorDelivery {
  /** Its pods run our own image of the component; those of the others run upstream's, and ours need not be there. */
  ownImage: boolean;
  releases(context: KubernetesContext): readonly HelmRelease[];
  /**
   * Custom resources and what they name; secrets as Secret objects. What no release brings (Secrets, Services, …) is applied before the
   * releases, which name it; the rest after them.
   */
  objects(context: KubernetesContext): readonly KubernetesObject[];
  /**
   * Name of the Service under which the others reach an instance, in the component's namespace. It is one of the objects, has the
   * instance's name, as in plain delivery; where the context names node ports, another one, "<instance>-outside", has them.
   */
  service(instance: string): string;
  /** Further names under which its pods are reached, for their certificates. */
  serverNames?(namespace: string): readonly string[];
  /** Where that Service, and the pods behind it, listen for a port of the component; its preferred number when absent or undefined. */
  port?(portId: string): number | undefined;
}

/** What components see when they render for a cluster. */
export interface KubernetesContext extends RenderContext {
  profile: Profile;
  /** Namespace of a component. */
  namespaceOf(component: string): string;
  /** Image of a component, whole: registry, name and tag or digest. */
  image(component: string): string;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Port of every node that leads to a port of the stack; null where the cluster's nodes are not the way in. */
  nodePort(portId: string): number | null;
  /** By file name in schemas/: objects that stand alone; what connectors are declared with. */
  schemas: Readonly<Record<string, object>>;
}
