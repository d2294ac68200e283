import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { splitPem } from '../../src/core/pem.ts';
import { endOffsets } from '../../src/probes/kafka.ts';
import { kafkaBrokers } from '../../src/probes/kafka-brokers.ts';
import { stackPaths } from '../../src/state/paths.ts';
import { readSecrets } from '../../src/state/secrets.ts';
import { cliOf, homeOfTests, until } from './cli.ts';

// PostgreSQL, Kafka and what speaks to them with TLS between them: who comes without it stays outside, events and changes arrive.
const stack = `tls-${process.pid}`;
const { run, must, row } = cliOf(stack);
const components = ['--only', 'connect', '--only', 'spark'];
let profile: string;
let authority: string;

beforeAll(async () => {
  profile = await mkdtemp(join(tmpdir(), 'lambdactl-tls-'));
  await writeFile(join(profile, 'tls.yaml'), 'extends: lite\ntls: { use: everywhere }\n');
  await must('up', '--profile', join(profile, 'tls.yaml'), ...components, '--any-port');
  authority = splitPem((await secretsOf())['tls.authority']?.secret ?? '').certificate;
});
afterAll(async () => {
  await run('down', '--volumes', '--yes');
  await rm(profile, { recursive: true });
});

const secretsOf = () => readSecrets(stackPaths(homeOfTests, stack));

async function endpoint(component: string, protocol: string) {
  const { connections } = await must('connections', '--show-passwords');
  const found = connections.find(
    (each: { component: string; protocol: string }) => each.component === component && each.protocol === protocol,
  );
  const [, host = '', port = ''] = /([^/:@]+):(\d+)/.exec(found.url.replace(/^[a-z]+:\/\//, '')) ?? [];
  return { host, port: Number(port), user: found.user, password: found.password };
}

it('keeps plaintext out of PostgreSQL, and whoever else is called PostgreSQL away from its clients', async () => {
  const login = { ...(await endpoint('postgres', 'admin')), database: 'postgres' };
  const told = async (ssl: pg.ClientConfig['ssl']) => {
    const client = new pg.Client({ ...login, ...(ssl === undefined ? {} : { ssl }) });
    try {
      await client.connect();
      const { rows } = await client.query('select usename, ssl from pg_stat_ssl join pg_stat_activity using (pid)');
      return rows;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  expect(await told(undefined)).toMatch(/no pg_hba.conf entry .* no encryption/);
  expect(await told({ ca: splitPem((await secretsOf())['tls.kafka']?.secret ?? '').certificate })).toMatch(
    /certificate/,
  );
  const sessions = await told({ ca: authority });
  expect(sessions).toEqual(
    expect.arrayContaining([
      { usename: 'postgres', ssl: true },
      { usename: 'debezium', ssl: true },
      { usename: 'lake', ssl: true },
    ]),
  );
  expect(sessions).not.toContainEqual(expect.objectContaining({ usename: expect.anything(), ssl: false }));
});

it('keeps plaintext out of Kafka, at brokers and controllers', async () => {
  const { host, port } = await endpoint('kafka', 'kafka');
  await expect(kafkaBrokers({ host, port }, AbortSignal.timeout(30_000))).rejects.toThrow(/closed|reset/i);
  const { brokers } = await kafkaBrokers({ host, port, authority }, AbortSignal.timeout(30_000));
  expect(brokers).toMatchObject([{ host, port }]);
  const { ports } = await must('up', '--dry-run', ...components);
  for (const id of ['kafka.broker', 'kafka.controller']) expect(await speaksTls(host, ports[id])).toBe(true);
});

/** Whether a server answers the first record of a TLS handshake that makes no sense with an alert, and no other protocol. */
function speaksTls(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(Buffer.from([0x16, 3, 1, 0, 4, 1, 0, 0, 0])));
    socket.once('data', (answer) => {
      resolve(answer[0] === 0x15);
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(false));
  });
}

it('brings events to ClickHouse and changes of the shop to Kafka', async () => {
  const { sent } = await must('generate', '--count', '2000', '--rate', 'max');
  expect(sent).toBeGreaterThanOrEqual(2000);
  await until(
    () => row('select count() c, uniqExact(event_id) u from user_events_realtime'),
    ({ c, u }) => Number(c) === 2000 && Number(u) === 2000,
  );
  const nothing = await run('generate', 'cdc', '--count', '10');
  expect([nothing.exitCode, nothing.error?.code]).toEqual([20, 'SHOP_NOT_SEEDED']);
  await must('seed', '--users', '500', '--products', '50');
  await must('generate', 'cdc', '--rate', '1000', '--count', '500');
  const { host, port } = await endpoint('kafka', 'kafka');
  const brokers = { servers: [`${host}:${port}`], authority };
  const users = async () =>
    Object.values((await endOffsets(brokers, ['cdc.postgres.users']))['cdc.postgres.users'] ?? {});
  await until(users, (ends) => ends.reduce((sum, end) => sum + end, 0) >= 500);
  // Under load a check may not be done in its time.
  await until(
    async () => (await run('doctor', 'connectors')).data.checks[0],
    ({ status }) => status === 'ok',
  );
});

it('is not made anew while it is good', async () => {
  const before = await secretsOf();
  const { plan } = await must('up', '--dry-run', ...components);
  expect(plan.filter(({ action }: { action: string }) => action !== 'keep')).toEqual([]);
  await must('up', ...components);
  expect(await secretsOf()).toEqual(before);
});
