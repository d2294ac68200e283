import { stringify } from 'yaml';

/**
 * kwok plays the kubelets: pods become Ready, and jobs end, without a container. What would go wrong on a real node is chosen
 * by the image's last name, as a wrong reference or a broken program would be:
 *
 *   …/missing:tag   cannot be pulled: ImagePullBackOff
 *   …/crashing:tag  ends with code 1 over and over: CrashLoopBackOff
 *   …/hanging:tag   runs and never gets ready
 *   …/failing:tag   of a Job: ends with code 3
 */
const fate = `[.spec.containers[], (.spec.initContainers // [])[]] | map(.image | capture("/(?<last>missing|crashing|hanging|failing)[:@]").last) | (.[0] // "good")`;

export interface KwokOptions {
  /** Container log (CRI format) that every pod has. */
  logFile: string;
  /** Where a port-forward to any pod ends; refused without. */
  forwardTo: number | null;
}

/** kwok's whole configuration, as YAML documents. */
export function kwokConfig({ logFile, forwardTo }: KwokOptions): string {
  const documents = [
    ...stages,
    resource('ClusterLogs', 'all', { logs: [{ logsFile: logFile, follow: false }] }),
    ...(forwardTo === null
      ? []
      : [
          resource('ClusterPortForward', 'all', {
            forwards: [{ target: { port: forwardTo, address: '127.0.0.1' } }],
          }),
        ]),
  ];
  return documents.map((each) => stringify(each)).join('---\n');
}

const resource = (kind: string, name: string, spec: unknown) => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind,
  metadata: { name },
  spec,
});

interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: readonly string[];
}

interface StageNext {
  statusTemplate?: string;
  delete?: boolean;
  event?: { type: string; reason: string; message: string };
}

const stage = (
  kind: 'Node' | 'Pod',
  name: string,
  selector: readonly Requirement[],
  next: StageNext,
  delayMs?: number,
) =>
  resource('Stage', name, {
    resourceRef: { apiGroup: 'v1', kind },
    selector: { matchExpressions: selector },
    ...(delayMs === undefined ? {} : { delay: { durationMilliseconds: delayMs } }),
    next,
  });

const wanted: Requirement = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const ofJob: Requirement = { key: '.metadata.ownerReferences.[].kind', operator: 'In', values: ['Job'] };
const isPending: Requirement = { key: '.status.phase', operator: 'In', values: ['Pending'] };
const isRunning: Requirement = { key: '.status.phase', operator: 'In', values: ['Running'] };
const untouched: Requirement = { key: '.status.containerStatuses', operator: 'DoesNotExist' };
const has = (...fates: readonly string[]): Requirement => ({ key: fate, operator: 'In', values: fates });

const condition = (type: string, status: 'True' | 'False') =>
  `- { type: ${type}, status: "${status}", lastTransitionTime: {{ $now | Quote }} }`;

const conditions = (ready: 'True' | 'False') =>
  [
    'conditions:',
    condition('Initialized', 'True'),
    condition('Ready', ready),
    condition('ContainersReady', ready),
  ].join('\n');

const addresses = `
hostIP: "127.0.0.1"
hostIPs: [{ ip: "127.0.0.1" }]
{{ $ip := PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ $ip | Quote }}
podIPs: [{ ip: {{ $ip | Quote }} }]
startTime: {{ $now | Quote }}`;

const endedInitContainers = `
initContainerStatuses:
{{ range .spec.initContainers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state: { terminated: { exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} } }
{{ end }}`;

/** `fields` of each container's status, flow style. */
const containers = (fields: string) => `
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  imageID: ""
  name: {{ .name | Quote }}
  ${fields}
{{ end }}`;

const status = (...parts: readonly string[]) => `{{ $now := Now }}\n${parts.map((part) => part.trim()).join('\n')}\n`;

const runs = 'state: { running: { startedAt: {{ $now | Quote }} } }';
const ended = (code: number, reason: string) =>
  `terminated: { exitCode: ${code}, reason: ${reason}, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }} }`;

const running = (ready: boolean) =>
  status(
    conditions(ready ? 'True' : 'False'),
    containers(`ready: ${ready}\n  started: ${ready}\n  restartCount: 0\n  ${runs}`),
    endedInitContainers,
    addresses,
    'phase: Running',
  );

const finished = (code: number) =>
  status(
    containers(
      `ready: false\n  started: false\n  restartCount: 0\n  state: { ${ended(code, code === 0 ? 'Completed' : 'Error')} }`,
    ),
    `phase: ${code === 0 ? 'Succeeded' : 'Failed'}`,
  );

const cannotPull = status(
  conditions('False'),
  containers(
    `ready: false
  started: false
  restartCount: 0
  state: { waiting: { reason: ImagePullBackOff, message: 'Back-off pulling image "{{ .image }}": not found' } }`,
  ),
  'phase: Pending',
);

const crashes = status(
  conditions('False'),
  containers(
    `ready: false
  started: false
  restartCount: 3
  lastState: { ${ended(1, 'Error')} }
  state: { waiting: { reason: CrashLoopBackOff, message: "back-off 40s restarting failed container" } }`,
  ),
  endedInitContainers,
  addresses,
  'phase: Running',
);

const nodeIsReady = status(`
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
addresses:
- { type: InternalIP, address: "127.0.0.1" }
- { type: Hostname, address: {{ .metadata.name | Quote }} }
daemonEndpoints: { kubeletEndpoint: { Port: {{ NodePort }} } }
nodeInfo:
  architecture: amd64
  operatingSystem: linux
  kubeletVersion: v1.34.4
  containerRuntimeVersion: kwok
  kernelVersion: kwok
  kubeProxyVersion: ""
  osImage: kwok
  bootID: ""
  machineID: ""
  systemUUID: ""
phase: Running`);

const stages = [
  stage(
    'Node',
    'node-ready',
    [{ key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: 'NotIn', values: ['True'] }],
    { statusTemplate: nodeIsReady },
  ),
  stage('Pod', 'pod-ready', [wanted, isPending, untouched, has('good', 'failing')], { statusTemplate: running(true) }),
  stage('Pod', 'pod-hanging', [wanted, isPending, untouched, has('hanging')], { statusTemplate: running(false) }),
  stage('Pod', 'pod-missing-image', [wanted, isPending, untouched, has('missing')], {
    statusTemplate: cannotPull,
    event: { type: 'Warning', reason: 'Failed', message: 'Failed to pull image: not found' },
  }),
  stage('Pod', 'pod-crashing', [wanted, isPending, untouched, has('crashing')], {
    statusTemplate: crashes,
    event: { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container' },
  }),
  stage('Pod', 'pod-complete', [wanted, isRunning, ofJob, has('good')], { statusTemplate: finished(0) }, 300),
  stage('Pod', 'pod-failing', [wanted, isRunning, ofJob, has('failing')], { statusTemplate: finished(3) }, 300),
  stage('Pod', 'pod-delete', [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }], { delete: true }),
];
