import type { CheckOutcome, Finding } from './contract.ts';
import type { MachineCheck, MachineContext } from './machine.ts';

/** What checks may ask about Kubernetes; all of it only looks. */
export interface KubernetesView {
  /** The stack runs on a cluster, or LAMBDACTL_RUNTIME asks for one: only then do these checks speak unasked. */
  wanted: boolean;
  /** A kind cluster is, or would be, the stack's. */
  kind: boolean;
  /** The container engine that answers, or why none does. */
  engine(): Promise<{ kind: string; version: string; memoryBytes: number; rootless: boolean } | { reason: string }>;
  /** @param name "kind", "helm", "kubectl" or "kubeseal" */
  tool(name: KubernetesTool): Promise<{ found: { path: string; version: string } | null; rejected: readonly string[] }>;
  /** Whether secrets of the stack were sealed from here. */
  seals(): Promise<boolean>;
  /** null before the stack was up on a cluster. */
  cluster: ClusterView | null;
}

export type KubernetesTool = 'kind' | 'helm' | 'kubectl' | 'kubeseal';

export interface ClusterView {
  /** Name in the kubeconfig. */
  context: string;
  /** "v1.34.4". @throws LambdaError CLUSTER_UNREACHABLE and others that name the reason */
  version(): Promise<string>;
  nodes(): Promise<readonly NodeFacts[]>;
  /** Pods of the stack. */
  pods(): Promise<readonly PodFacts[]>;
  /** Claims of the stack. */
  volumes(): Promise<readonly VolumeFacts[]>;
  /** Certificates of the kubeconfig, PEM; null where it holds none of that sort. */
  certificates(): Promise<{ client: string | null; authority: string | null }>;
}

export interface ConditionFacts {
  type: string;
  status: string;
  message: string;
}

export interface NodeFacts {
  name: string;
  /** Cordoned: takes no new pods. */
  unschedulable: boolean;
  conditions: readonly ConditionFacts[];
}

export interface PodFacts {
  namespace: string;
  name: string;
  component: string;
  /** "Running", "Pending", "Succeeded", "Failed" */
  phase: string;
  /** Why no node takes it; null where one has, or none was asked yet. */
  unschedulable: string | null;
  /** Its containers and those that prepare it. */
  containers: readonly ContainerFacts[];
}

export interface ContainerFacts {
  name: string;
  image: string;
  restarts: number;
  /** "ImagePullBackOff", "CrashLoopBackOff", …; null while it runs or has ended. */
  waiting: { reason: string; message: string } | null;
  /** How it ended the last time; null where it never did. */
  lastEnd: { reason: string; exitCode: number } | null;
}

export interface VolumeFacts {
  namespace: string;
  name: string;
  /** "Bound", "Pending", "Lost" */
  phase: string;
  storageClass: string | null;
  /** What the provisioner says. */
  message: string | null;
}

type About = Pick<MachineCheck, 'name' | 'area' | 'title'>;

/** A check of what a cluster needs on this machine. */
export function kubernetesCheck(
  about: About,
  run: (view: KubernetesView, context: MachineContext) => Promise<CheckOutcome>,
): MachineCheck {
  return {
    ...about,
    needs: [],
    applies: ({ kubernetes }) => kubernetes.wanted,
    run: (context) => run(context.kubernetes, context),
  };
}

/** A check of the stack's cluster. One that does not answer is told by one of them; the others then have nothing to look at. */
export function clusterCheck(
  about: About,
  run: (cluster: ClusterView, context: MachineContext) => Promise<CheckOutcome>,
): MachineCheck {
  return {
    ...about,
    needs: [],
    applies: ({ kubernetes }) => kubernetes.cluster !== null,
    run: async (context) => {
      const { cluster } = context.kubernetes;
      if (cluster === null) return { detail: 'the stack is not on a cluster', findings: [] };
      const answers = await cluster.version().then(
        () => true,
        () => false,
      );
      return answers ? run(cluster, context) : { detail: `${cluster.context} does not answer`, findings: [] };
    },
  };
}

/** One line for each, the facts when there is none. */
export const outcome = (detail: string, findings: readonly Finding[]): CheckOutcome => ({ detail, findings });

export const podName = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;
