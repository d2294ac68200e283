import { cpuRequest } from '../cpu.ts';
import type { KubernetesContext, KubernetesObject, OperatorDelivery } from '../kubernetes.ts';
import { spark } from '../spark/component.ts';
import { overriddenImage, release } from './charts.ts';
import { type Peer, podsOf, policy } from './network.ts';
import {
  claim,
  fixedResources,
  instanceServices,
  object,
  placement,
  podLabels,
  restrictedContainer,
  revision,
  secret,
} from './objects.ts';

const application = 'spark';
const [settings, environment, volume] = ['spark-settings', 'spark-environment', 'spark-data'];
const operatorName = 'spark-operator';
const user = 10_001;

/**
 * Kubeflow's operator and one SparkApplication whose driver is the whole job. The filter against duplicates belongs to one JVM
 * (docs/adr/0011), so the master is local[N] and there are no executors; the operator submits, watches and restarts the driver.
 */
export const sparkOperator: OperatorDelivery = {
  ownImage: true,
  service: (instance) => instance,
  releases: (context) => release(context, 'spark-operator', context.namespaceOf('spark'), values(context)),
  objects: (context) => [
    secret(context, 'spark', settings, settingsFiles(context)),
    secret(context, 'spark', environment, spark.render(context, 'spark').service.command.env),
    object(
      context,
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: volume, component: 'spark' },
      {
        spec: claim(context, 'spark'),
      },
    ),
    speedJob(context),
    ...instanceServices(
      context,
      'spark',
      'spark',
      { ...podLabels(context, 'spark'), 'spark-role': 'driver' },
      spark.ports(context.profile).map(({ id }) => id),
    ),
    ...policies(context),
  ],
};

function values(context: KubernetesContext): Record<string, unknown> {
  const image = overriddenImage(context, 'spark-operator');
  return {
    ...(image === null ? {} : { image }),
    controller: {
      replicas: 1,
      workers: 2,
      // It runs spark-submit, a JVM, for every start of an application.
      resources: fixedResources(256, 576, '100m'),
      labels: podLabels(context, operatorName),
      uiService: { enable: false },
    },
    // All that the driver needs is in its pod template, which needs no webhook.
    webhook: { enable: false },
    spark: { jobNamespaces: [context.namespaceOf('spark')] },
    prometheus: { metrics: { enable: false } },
  };
}

function settingsFiles(context: KubernetesContext): Record<string, string> {
  const { files } = spark.render(context, 'spark');
  return Object.fromEntries(files.map(({ path, content }) => [path.slice(path.lastIndexOf('/') + 1), content]));
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function speedJob(context: KubernetesContext): KubernetesObject {
  const { memoryMiB, heapMiB = Math.floor(memoryMiB / 2) } = context.profile.components.spark;
  const driver = {
    cores: 1,
    coreRequest: cpuRequest('spark', context.profile),
    // Request and limit of the pod are their sum: the budget.
    memory: `${heapMiB}m`,
    memoryOverhead: `${memoryMiB - heapMiB}m`,
    serviceAccount: 'spark-operator-spark',
    labels: podLabels(context, 'spark'),
    template: driverPod(context),
  };
  const retry = { onFailureRetryInterval: 10, onSubmissionFailureRetryInterval: 20 };
  return object(
    context,
    { apiVersion: 'sparkoperator.k8s.io/v1beta2', kind: 'SparkApplication', name: application, component: 'spark' },
    {
      spec: {
        type: 'Java',
        mode: 'cluster',
        sparkVersion: '4.1.3',
        image: context.image('spark'),
        imagePullPolicy: context.imagePullPolicy,
        mainClass: 'lambdactl.speed.SpeedJob',
        // Named because the field is required; the class path is the command's, below.
        mainApplicationFile: 'local:///opt/lambdactl/artifacts/speed-job',
        restartPolicy: { type: 'Always', ...retry },
        sparkConf: { 'spark.kubernetes.submission.waitAppCompletion': 'false' },
        driver,
        // Required by the definition. None is ever asked for: the job's master is local[N].
        executor: { instances: 1, cores: 1, memory: '512m' },
      },
    },
  );
}

/** The very command of plain delivery, with its files, environment and directories. */
function driverPod(context: KubernetesContext): object {
  const { files, service } = spark.render(context, 'spark');
  const { executable, args, env, cwd } = service.command;
  const line = [executable, ...args].map(quoted).join(' ');
  const conf = files[0]?.path.slice(0, files[0].path.lastIndexOf('/')) ?? context.dir('spark', 'conf');
  const mounts = {
    settings: conf,
    data: context.dir('spark', 'data'),
    run: context.dir('spark', 'run'),
    cache: context.dir('spark', 'cache'),
    tmp: '/tmp',
  };
  const probe = (path: string) => ({ httpGet: { path, port: context.port('spark.status') } });
  return {
    metadata: { annotations: revision({ ...settingsFiles(context), ...env }) },
    spec: {
      ...placement(context),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: Math.ceil(service.stopGraceMs / 1000),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: user,
        runAsGroup: user,
        fsGroup: user,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumes: [
        { name: 'settings', secret: { secretName: settings } },
        { name: 'data', persistentVolumeClaim: { claimName: volume } },
        ...['run', 'cache', 'tmp'].map((name) => ({ name, emptyDir: {} })),
      ],
      containers: [
        {
          name: 'spark-kubernetes-driver',
          // Spark appends its launcher's arguments, which a script of one line does not see.
          command: ['/bin/sh', '-c', `exec ${line}`],
          workingDir: cwd,
          env: Object.keys(env).map((name) => ({
            name,
            valueFrom: { secretKeyRef: { name: environment, key: name } },
          })),
          securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
          startupProbe: { ...probe('/healthz'), periodSeconds: 5, failureThreshold: service.startTimeoutMs / 5000 },
          livenessProbe: { ...probe('/healthz'), periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 4 },
          volumeMounts: Object.entries(mounts).map(([name, mountPath]) => ({
            name,
            mountPath,
            ...(name === 'settings' ? { readOnly: true } : {}),
          })),
        },
      ],
    },
  };
}

function policies(context: KubernetesContext): KubernetesObject[] {
  const operator: Peer = { namespace: context.namespaceOf('spark'), pods: podLabels(context, operatorName) };
  const prometheus: Peer = { namespace: context.profile.kubernetes.namespaces.monitoring };
  return [
    policy(context, operatorName, { ...operator, component: 'spark' }, { apiServer: true }),
    policy(
      context,
      'spark-metrics',
      { ...podsOf(context, 'spark'), component: 'spark' },
      {
        flows: [{ from: prometheus, ports: [context.port('spark.status')] }],
      },
    ),
  ];
}
