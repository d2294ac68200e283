/** What we read of the API's objects: those fields alone, as the server writes them (times are ISO text). */

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  ownerReferences?: readonly { kind: string; name: string; uid: string; controller?: boolean }[];
}

export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  observedGeneration?: number;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; reason?: string; message?: string; signal?: number; finishedAt?: string };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  image: string;
  imageID?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface Container {
  name: string;
  image?: string;
  ports?: readonly { name?: string; containerPort: number }[];
  resources?: { requests?: Readonly<Record<string, string>>; limits?: Readonly<Record<string, string>> };
}

export interface Pod extends ApiObject {
  spec?: { nodeName?: string; containers: readonly Container[]; initContainers?: readonly Container[] };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    conditions?: readonly Condition[];
    containerStatuses?: readonly ContainerStatus[];
    initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** StatefulSet, Deployment, DaemonSet or Job. */
export interface Workload extends ApiObject {
  spec?: { replicas?: number; selector?: { matchLabels?: Readonly<Record<string, string>> } };
  status?: {
    observedGeneration?: number;
    replicas?: number;
    readyReplicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
    currentRevision?: string;
    updateRevision?: string;
    succeeded?: number;
    failed?: number;
    conditions?: readonly Condition[];
  };
}

export interface ClusterEvent extends ApiObject {
  involvedObject: { kind?: string; name?: string; namespace?: string; uid?: string };
  reason?: string;
  message?: string;
  type?: string;
  count?: number;
  eventTime?: string | null;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  series?: { lastObservedTime?: string };
}

export interface Service extends ApiObject {
  spec?: {
    selector?: Readonly<Record<string, string>>;
    ports?: readonly { name?: string; port: number; targetPort?: number | string; nodePort?: number }[];
  };
}

/** Whether a condition of that type is true. */
export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}
