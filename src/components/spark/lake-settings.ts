import { bucket, lake, topics } from '../../platform/pipeline.ts';
import type { RenderContext } from '../contract.ts';
import { jdbcUrl } from '../postgres/component.ts';

/** Variables of the environment in which Spark's programs find what must not be in a file (LakeConfig.java). */
const variables = {
  catalogPassword: 'LAMBDACTL_LAKE_CATALOG_PASSWORD',
  secretKey: 'LAMBDACTL_LAKE_SECRET_KEY',
} as const;

/**
 * Section "lake" of the settings of a Spark program: where the lake is and what is in it (dags-repo/spark/README.md).
 * @param program instance or job, which must have `clientFiles`
 */
export function lakeSettings(context: RenderContext, program: string): Readonly<Record<string, unknown>> {
  const { archive, commitIntervalMs, keepSnapshotsHours } = context.profile.lake;
  return {
    archive,
    commitIntervalMs,
    keepSnapshotsHours,
    rejected: lake.rejected,
    records: lake.records,
    tables: lake.tables.map(({ name, topic, schema, kind, partitionedBy }) => ({
      name,
      topic,
      schema,
      kind,
      key: topics.find((each) => each.name === topic)?.key,
      time: partitionedBy
        .map((transform) => /^day\((\w+)\)$/.exec(transform)?.[1])
        .find((field) => field !== undefined),
    })),
    catalog: catalog(context, program),
  };
}

/** Secrets for `lakeSettings`, by environment variable. An account's own credentials are found by the usual AWS chain. */
export function lakeSecrets(context: RenderContext): Readonly<Record<string, string>> {
  return {
    [variables.catalogPassword]: context.secret('postgres.lake'),
    ...(context.profile.lake.storage.kind === 'embedded'
      ? { [variables.secretKey]: context.secret('objectstore.key') }
      : {}),
  };
}

/** Properties of Iceberg's JDBC catalog and its S3 client. A server that hangs is given up: whoever waits tries again. */
function catalog(context: RenderContext, program: string): Record<string, string> {
  const { storage } = context.profile.lake;
  const url = jdbcUrl(context, 'lake', program);
  const database = {
    uri: `${url}${url.includes('?') ? '&' : '?'}connectTimeout=10&socketTimeout=60&ApplicationName=lambda-lake`,
    'jdbc.user': context.user('postgres.lake'),
  };
  if (storage.kind === 's3') {
    const root = [storage.bucket, ...storage.prefix.split('/').filter((part) => part !== ''), lake.warehousePath];
    return { ...database, warehouse: `s3://${root.join('/')}`, 'client.region': storage.region };
  }
  return {
    ...database,
    warehouse: `s3://${bucket}/${lake.warehousePath}`,
    'client.region': 'us-east-1',
    's3.endpoint': `http://${context.hostOf('objectstore')}:${context.port('objectstore.s3')}`,
    's3.path-style-access': 'true',
    's3.access-key-id': context.user('objectstore.key'),
  };
}
