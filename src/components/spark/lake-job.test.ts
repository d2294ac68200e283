import { expect, it } from 'vitest';
import type { Profile } from '../../platform/profile.ts';
import type { RenderContext } from '../contract.ts';
import { loopbackNetwork } from '../network.ts';
import { spark } from './component.ts';
import { lakeJob } from './lake-job.ts';

type Lake = Profile['lake'];
const embedded: Lake = {
  archive: 'connect',
  commitIntervalMs: 10_000,
  sinkTasks: 1,
  keepSnapshotsHours: 168,
  storage: { kind: 'embedded' },
};

function contextOf(lake: Lake): RenderContext {
  const components = { spark: { memoryMiB: 1152, heapMiB: 480 }, batch: { memoryMiB: 1152, heapMiB: 640 } };
  const speed = {
    tasks: 2,
    triggerMs: 2000,
    maxOffsetsPerTrigger: 1000,
    watermarkMinutes: 10,
    sessionTimeoutMinutes: 30,
  };
  const kafka = { brokers: 1, streamPartitions: 4 };
  const profile = { components, speed, lake, kafka, batch: { tasks: 2 } } as unknown as Profile; // what is rendered here reads no more
  return {
    stack: 'test',
    profile,
    ...loopbackNetwork,
    certificates: null,
    port: (id) => id.length,
    user: (id) => `user-of-${id}`,
    secret: (id) => `secret-of-${id}`,
    artifact: (name) => ({ root: `/artifacts/${name}`, classPath: [`/artifacts/${name}.jar`] }),
    dir: (instance, kind) => `/stack/${instance}/${kind}`,
    projectHash: () => 'hash',
    projectDir: (kind) => `/project/${kind}`,
    template: () => '',
    python: 'python3',
  };
}

const settingsOf = ({ files }: { files: readonly { content: string }[] }) => JSON.parse(files[0]?.content ?? '{}');

it('tells the tool every table, its topic, key and event time, and keeps secrets in the environment', () => {
  const plan = lakeJob.render(contextOf(embedded), ['tables']);
  const { lake } = settingsOf(plan);
  expect(lake.tables).toHaveLength(6);
  expect(lake.tables[0]).toMatchObject({
    name: 'user_events',
    topic: 'user_events',
    key: 'user_id',
    time: 'timestamp',
  });
  expect(lake.tables.map(({ time }: { time?: string }) => time)).toEqual([
    'timestamp',
    'created_at',
    'timestamp',
    undefined,
    undefined,
    'created_at',
  ]);
  expect(lake.catalog).toMatchObject({ warehouse: 's3://lake/iceberg', 's3.path-style-access': 'true' });
  expect(JSON.stringify([plan.files, plan.command.args])).not.toContain('secret-of');
  expect(plan.command.env).toMatchObject({
    LAMBDACTL_LAKE_CATALOG_PASSWORD: 'secret-of-postgres.lake',
    LAMBDACTL_LAKE_SECRET_KEY: 'secret-of-objectstore.key',
  });
});

it('starts without Spark from a class archive, and gives Spark the heap of a batch job', () => {
  const flags = (verb: string) => lakeJob.render(contextOf(embedded), [verb]).command.args.join(' ');
  expect(flags('tables')).toMatch(/-Xmx256m .*-XX:SharedArchiveFile=\/stack\/lake\/cache\/classes-\w+\.jsa/);
  expect(flags('maintain')).toMatch(/-Xmx640m/);
  expect(flags('maintain')).not.toMatch(/SharedArchiveFile|TieredStopAtLevel/);
});

it('leaves the credentials of a real account to the usual chain', () => {
  const storage = { kind: 's3', bucket: 'acme-data', region: 'eu-central-1', prefix: '/lambda/' } as const;
  const plan = lakeJob.render(contextOf({ ...embedded, storage }), ['tables']);
  const { catalog } = settingsOf(plan).lake;
  expect(catalog).toMatchObject({ warehouse: 's3://acme-data/lambda/iceberg', 'client.region': 'eu-central-1' });
  expect(Object.keys(catalog).filter((key) => key.startsWith('s3.'))).toEqual([]);
  expect(plan.command.env).not.toHaveProperty('LAMBDACTL_LAKE_SECRET_KEY');
});

it('gives the speed job an archive only where the profile says so', () => {
  const without = spark.render(contextOf(embedded), 'spark');
  expect(settingsOf(without)).not.toHaveProperty('archive');
  expect(settingsOf(without).master).toBe('local[2]');
  expect(JSON.stringify(without.service)).not.toMatch(/iceberg-spark|LAMBDACTL_LAKE/);
  expect(spark.alsoDependsOn?.(contextOf(embedded).profile)).toEqual([]);

  const context = contextOf({ ...embedded, archive: 'spark' });
  const plan = spark.render(context, 'spark');
  expect(settingsOf(plan)).toMatchObject({
    master: 'local[6]',
    archive: { checkpointDir: '/stack/spark/data/archive-checkpoint', archive: 'spark', commitIntervalMs: 10_000 },
  });
  expect(JSON.stringify(plan.service.command.args)).toContain('/artifacts/iceberg-spark.jar');
  expect(JSON.stringify([plan.files, plan.service.command.args])).not.toContain('secret-of');
  expect(spark.alsoDependsOn?.(context.profile)).toEqual(['postgres', 'objectstore']);
});
