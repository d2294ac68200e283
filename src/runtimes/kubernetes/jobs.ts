import type { JobDefinition, JobName } from '../../components/contract.ts';
import type { KubernetesObject } from '../../components/kubernetes.ts';
import { mebibytes } from '../../components/units.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { configObjects, configVolume, secretObject } from './config.ts';
import { containerOf, podProcesses, podSecurity } from './containers.ts';
import { labelNames, labelsOf } from './labels.ts';
import { resourcesFor } from './quantities.ts';
import { cliAccount, jobAccount } from './rbac.ts';
import { partCommand, partFiles } from './secrecy.ts';
import { mountsOf, scratchVolumes } from './storage.ts';
import type { Contexts } from './workload.ts';

/** Whose image holds a job's program. */
const imageOf: Record<JobName, ComponentName> = {
  'spark-batch': 'spark',
  lake: 'spark',
  dbt: 'warehouse',
  'kafka-perf': 'kafka',
  // The one image with lambdactl and its Node.
  lambdactl: 'airflow',
};

/** First part of a run's name, which is that of its objects. */
export const jobNames: readonly string[] = Object.keys(imageOf);

/** A run that nobody waited for is gone after an hour. */
const keptSeconds = 3600;

/** What a job may take; Kafka's benchmark holds 256 MiB of heap, the others are what the profile calls "batch". */
function memoryOf(job: JobName, profile: Profile): number {
  return mebibytes(job === 'kafka-perf' ? 448 : profile.components.batch.memoryMiB);
}

/** @param runId of at most 20 lower-case letters and digits */
export function jobObjects(
  job: JobDefinition,
  args: readonly string[],
  runId: string,
  { context, other }: Contexts,
): KubernetesObject[] {
  const { profile, stack } = context;
  const [plan, otherPlan] = [job.render(context, args), job.render(other, args)];
  const files = partFiles(plan.files, otherPlan.files);
  const command = partCommand(plan.command, otherPlan.command);
  const name = `${job.name}-${runId}`;
  const labels = { ...labelsOf(stack, job.name), [labelNames.job]: job.name, [labelNames.run]: runId };
  const place = { namespace: context.namespaceOf(job.name), labels };
  const secretName = `${name}-env`;
  const container = containerOf(
    {
      name: job.name,
      component: imageOf[job.name],
      command,
      cwd: plan.command.cwd,
      mounts: mountsOf(job.name, [job.name], plan.files.length > 0),
      resources: resourcesFor('job', memoryOf(job.name, profile), profile),
      secretName,
    },
    context,
  );
  const { nodeSelector, imagePullSecrets } = profile.kubernetes;
  const podTemplate = {
    metadata: { labels },
    spec: {
      serviceAccountName: job.name === cliAccount ? cliAccount : jobAccount,
      // lambdactl asks the cluster only where it was told what its stack is.
      automountServiceAccountToken:
        job.name === cliAccount && plan.files.some(({ path }) => path.endsWith('/stack.json')),
      enableServiceLinks: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 15,
      ...podProcesses,
      securityContext: podSecurity,
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      ...(imagePullSecrets === undefined ? {} : { imagePullSecrets: imagePullSecrets.map((each) => ({ name: each })) }),
      containers: [container],
      volumes: [
        ...scratchVolumes(job.name, profile),
        ...(plan.files.length === 0 ? [] : [renamed(configVolume(`conf-${job.name}`, job.name, files), name)]),
      ],
    },
  };
  return [
    ...configObjects(job.name, files, place).map((object) => ({
      ...object,
      metadata: { ...object.metadata, name: `${name}-conf` },
    })),
    ...(Object.keys(command.secret).length === 0 ? [] : [secretObject(secretName, command.secret, place)]),
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, ...place },
      // Who started it says whether to try again.
      spec: { backoffLimit: 0, ttlSecondsAfterFinished: keptSeconds, template: podTemplate },
    },
  ];
}

type Volume = ReturnType<typeof configVolume>;

/** The volume of a run's own objects. */
function renamed({ name, projected }: Volume, run: string): Volume {
  const sources = projected.sources.map((source) =>
    Object.fromEntries(Object.entries(source).map(([kind, value]) => [kind, { ...value, name: `${run}-conf` }])),
  );
  return { name, projected: { ...projected, sources } };
}
