import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Admin,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  Producer,
  stringSerializers,
} from '@platformatic/kafka';
import { execa } from 'execa';
import pg from 'pg';
import { originOf } from '../../src/components/airflow/environment.ts';
import { openStack, projectRoot } from '../../src/operations/stack.ts';
import { settingsOf } from '../../src/operations/warehouse.ts';
import { AirflowClient } from '../../src/probes/airflow/client.ts';
import { openClickHouse } from '../../src/probes/clickhouse.ts';
import { openPostgres } from '../../src/probes/postgres.ts';
import { openWarehouse } from '../../src/probes/snowflake.ts';

export type Plant = Awaited<ReturnType<typeof openPlant>>;

/** Hands into every component of a running stack, to spoil things on purpose and to take that back. */
export async function openPlant(stack: string, home: string) {
  const { runtime, profile, paths } = await openStack({ home, stack });
  if (profile === null) throw new Error('the stack has no profile');
  const endpoint = runtime.endpoint.bind(runtime);
  const clickhouse = openClickHouse(await endpoint('clickhouse', 'admin'), 'default');
  const warehouse = await openWarehouse(await settingsOf(runtime, profile, 'admin'));
  const shop = await openPostgres(await endpoint('postgres', 'admin'), 'shop');
  const airflow = await AirflowClient.connect(await endpoint('airflow', 'rest'));
  const bootstrapBrokers = (await endpoint('kafka', 'kafka')).url.split(',');
  const admin = new Admin({ clientId: 'plant', bootstrapBrokers });
  const producer = new Producer({ clientId: 'plant', bootstrapBrokers, serializers: stringSerializers });
  const [connectUrl, registryUrl] = [(await endpoint('connect', 'rest')).url, (await endpoint('registry', 'http')).url];
  const registryBase = `${registryUrl.replace(/\/$/, '').replace(/\/apis\/ccompat\/v7$/, '')}/apis/ccompat/v7`;
  let forgetful: pg.Client | null = null;
  const migration = (name: string) => readFile(join(projectRoot, 'templates/clickhouse/migrations', name), 'utf8');

  return {
    paths,
    clickhouse,
    warehouse,
    airflow,
    sql: (statement: string) => shop.execute(statement),
    connect: (method: string, path: string, body?: object) => send(`${connectUrl}${path}`, method, body),
    registry: (method: string, path: string, body?: object) => send(`${registryBase}${path}`, method, body),
    changeConnector: async (name: string, change: Record<string, string>) => {
      const config = await send(`${connectUrl}/connectors/${name}/config`, 'GET');
      await send(`${connectUrl}/connectors/${name}/config`, 'PUT', { ...config, ...change });
    },
    deleteTopic: (name: string) => admin.deleteTopics({ topics: [name] }),
    setTopic: (name: string, key: string, value: string) =>
      admin.incrementalAlterConfigs({
        resources: [
          {
            resourceType: ConfigResourceTypes.TOPIC,
            resourceName: name,
            configs: [{ name: key, value, configOperation: IncrementalAlterConfigOperationTypes.SET }],
          },
        ],
      }),
    /** A change of a product that seems to have come at `time`. */
    product: (time: number) =>
      producer.send({
        messages: [
          {
            topic: 'cdc.postgres.products',
            key: '00000000-0000-4000-8000-000000000001',
            value: 'not a product: the lake keeps it among the rejected',
            timestamp: BigInt(time),
          },
        ],
      }),
    /** Records that are no JSON. */
    poison: (count: number) =>
      producer.send({
        messages: Array.from({ length: count }, (_, index) => ({
          topic: 'user_events',
          key: `k${index}`,
          value: `{"event_id": cut off ${index}`,
        })),
      }),
    /** Deletes what a topic holds. */
    purge: async (topic: string) => {
      const { topics } = await admin.metadata({ topics: [topic] });
      const partitions = Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => ({
        partition,
        offset: -1n,
      }));
      await admin.deleteRecords({ topics: [{ name: topic, partitions }] });
    },
    editMigration: (version: string, checksum: string) =>
      clickhouse.command(
        `ALTER TABLE lambda.schema_migrations UPDATE checksum = ${checksum} WHERE version = '${version}' SETTINGS mutations_sync = 1`,
      ),
    restoreProjection: async (table: string, name: string) => {
      const text = await migration('0002_transactions_realtime.sql');
      const found = new RegExp(`PROJECTION ${name}\\s*\\(([\\s\\S]*?)\\n {4}\\)`).exec(text)?.[0];
      await clickhouse.command(`ALTER TABLE lambda.${table} ADD ${found}`);
    },
    restoreView: async (name: string) => {
      const statements = (await migration('0005_views.sql')).replaceAll(/^\s*--.*$/gm, '').split(/;\s*$/m);
      await clickhouse.command(statements.find((statement) => statement.includes(`lambda.${name} AS`)) ?? '');
    },
    brokenPart: async (table: string, there: boolean) => {
      const [row] = await clickhouse.rows<{ path: string }>(
        `SELECT data_paths[1] AS path FROM system.tables WHERE database = 'lambda' AND name = '${table}'`,
      );
      const part = join(row?.path ?? '', 'detached', 'broken_202601_1_1_0');
      await (there ? mkdir(part, { recursive: true }) : rm(part, { recursive: true }));
    },
    openTransaction: async () => {
      const { host, port, user, password } = await endpoint('postgres', 'sql');
      forgetful = new pg.Client({
        host,
        port,
        user: user ?? '',
        password: password ?? '',
        database: 'shop',
        application_name: 'forgetful',
      });
      await forgetful.connect();
      await forgetful.query('BEGIN');
      await forgetful.query('SELECT count(*) FROM users');
    },
    closeTransaction: async () => {
      await forgetful?.end();
      forgetful = null;
    },
    /** A commit on the stack's DAG repository. @param text null deletes the file */
    pushDag: async (name: string, text: string | null) => {
      const clone = join(tmpdir(), `doctor-dags-${process.pid}-${Date.now()}`);
      const git = (...args: string[]) =>
        execa('git', ['-C', clone, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
      await execa('git', ['clone', '--quiet', originOf({ dir: paths.dir }), clone]);
      const file = join(clone, 'dags', name);
      await (text === null ? rm(file) : writeFile(file, text));
      await git('add', '--all');
      await git('commit', '--quiet', '-m', `${text === null ? 'Remove' : 'Add'} ${name}`);
      await git('push', '--quiet', 'origin', 'HEAD');
      await rm(clone, { recursive: true });
    },
    halt: async (name: string) => {
      const { services } = await runtime.observe();
      const pid = services.find((service) => service.name === name)?.pid;
      if (pid === undefined || pid === null) throw new Error(`${name} does not run`);
      process.kill(pid, 'SIGSTOP');
    },
    close: async () => {
      await Promise.all([
        clickhouse.close(),
        warehouse.close(),
        shop.close(),
        admin.close(),
        producer.close(),
        forgetful?.end(),
      ]);
    },
  };
}

async function send(url: string, method: string, body?: object): Promise<Record<string, string>> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}
