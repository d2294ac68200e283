import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Consumer, Producer, stringSerializers } from '@platformatic/kafka';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliOf, homeOfTests, processesOf, until } from './cli.ts';

// One stack through its whole life, on real components: every test goes on from where the one before left it.
const stack = `e2e-${process.pid}`;
const { start, run, must, row } = cliOf(stack);
/** The batch layer has a test of its own. */
const speedHalf = ['--without', 'airflow', '--without', 'warehouse'];

interface Service {
  name: string;
  state: string;
  pid: number;
  pssBytes: number;
  cpuPercent: number;
  startedAt: string;
  endpoints: { url: string }[];
}

const services = async (): Promise<Service[]> => (await must('status')).components;
const pidsOf = async () => Object.fromEntries((await services()).map(({ name, pid }) => [name, pid]));
const pidOf = async (name: string): Promise<number> => (await pidsOf())[name] ?? Number.NaN;

async function shop<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const { connections } = await must('connections', '--show-passwords');
  const { url, user, password } = connections.find((each: { protocol: string }) => each.protocol === 'sql');
  const { hostname, port } = new URL(url);
  const client = new pg.Client({ host: hostname, port: Number(port), user, password, database: 'shop' });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function brokers(): Promise<string[]> {
  const { connections } = await must('connections');
  const { url } = connections.find((each: { component: string }) => each.component === 'kafka');
  return url.replace(/^kafka:\/\//, '').split(',');
}

/** Sum of a topic's end offsets: grows with every record. */
async function endOf(topic: string): Promise<number> {
  const consumer = new Consumer({
    groupId: `e2e-${process.pid}-end`,
    clientId: 'e2e',
    bootstrapBrokers: await brokers(),
  });
  try {
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [];
    return ends.reduce((sum, offset) => sum + Number(offset), 0);
  } finally {
    await consumer.close(true);
  }
}

/** Reason of every record in a dead-letter topic, by where it came from: a repeated batch writes its dead letters again. */
async function deadLetters(topic: string): Promise<Map<string, string>> {
  const consumer = new Consumer({
    groupId: `e2e-${process.pid}-${Date.now()}`,
    clientId: 'e2e',
    bootstrapBrokers: await brokers(),
  });
  try {
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [];
    const total = ends.reduce((sum, offset) => sum + Number(offset), 0);
    const reasons = new Map<string, string>();
    if (total === 0) return reasons;
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false });
    let read = 0;
    for await (const { headers } of stream) {
      const header = (name: string) =>
        String(headers.get(Buffer.from(name)) ?? [...headers].find(([key]) => String(key) === name)?.[1]);
      reasons.set(`${header('dlq.source.partition')}@${header('dlq.source.offset')}`, header('dlq.error.class'));
      read += 1;
      if (read >= total) break;
    }
    await stream.close();
    return reasons;
  } finally {
    await consumer.close(true);
  }
}

/** Rows of one generator run, by the run's own window of event time. */
const counts = ({ startTime, endTime }: { startTime: string; endTime: string }) =>
  row(`select count() as rows, uniqExact(event_id) as ids from user_events_realtime
       where timestamp >= parseDateTime64BestEffort('${startTime}', 3) and timestamp <= parseDateTime64BestEffort('${endTime}', 3)`);

beforeAll(async () => {
  await must('up', '--profile', 'lite', '--any-port', ...speedHalf);
});

afterAll(async () => {
  await run('down', '--volumes', '--yes');
});

describe('up', () => {
  it('has every component healthy, measured and addressed', async () => {
    const all = await services();
    expect(all.map(({ name }) => name).sort()).toEqual(
      ['clickhouse', 'connect', 'kafka', 'objectstore', 'postgres', 'registry', 'spark'].sort(),
    );
    for (const service of all) {
      expect(service.state, service.name).toBe('healthy');
      expect(service.pid).toBeGreaterThan(0);
      expect(service.endpoints.length, service.name).toBeGreaterThan(0);
      expect(Date.parse(service.startedAt)).toBeLessThanOrEqual(Date.now());
    }
    const measured = await until(services, (list) => list.every(({ pssBytes }) => pssBytes > 0));
    expect(measured.every(({ cpuPercent }) => cpuPercent >= 0)).toBe(true);
    expect((await run('health')).exitCode).toBe(0);
  });

  it('run again changes nothing', async () => {
    const before = await pidsOf();
    const dry = await must('up', '--dry-run', ...speedHalf);
    expect(dry.plan.every(({ action }: { action: string }) => action === 'keep')).toBe(true);
    await must('up', ...speedHalf);
    expect(await pidsOf()).toEqual(before);
  });
});

describe('seed and change data capture', () => {
  it('fills PostgreSQL once', async () => {
    const first = await must('seed');
    const again = await must('seed');
    for (const [index, { table, rows }] of first.tables.entries()) {
      expect(rows, table).toBeGreaterThanOrEqual(1000);
      expect(again.tables[index]).toMatchObject({ table, rows, written: 0 });
    }
  });

  it('shows an UPDATE in the user’s next events', async () => {
    const few = ['--rate', '2000', '--count', '4000', '--users', '200'];
    await must('generate', ...few);
    const { user } = await until(
      () =>
        row(
          "select user_id as user from user_events_realtime where user_tier = 'bronze' group by 1 order by count() desc limit 1",
        ),
      ({ user: found }) => found !== undefined,
    );
    await shop((client) => client.query("update users set tier = 'platinum' where user_id = $1", [user]));
    await until(
      async () => {
        expect((await must('generate', ...few)).sent).toBe(4000);
        return row(
          `select count() as n from user_events_realtime where user_id = '${user}' and user_tier = 'platinum'`,
        );
      },
      ({ n }) => Number(n) > 0,
    );
  });
});

describe('exactly once, under kill -9', () => {
  it('shows every valid event once and every bad one in the DLQ with its reason', async () => {
    const generating = start(
      ...[
        'generate',
        '--rate',
        '4000',
        '--duration',
        '25s',
        '--seed',
        '7',
        '--bad-rate',
        '0.02',
        '--duplicate-rate',
        '0.01',
      ],
    );
    await until(
      () => row('select count() as n from user_events_realtime'),
      ({ n }) => Number(n) > 15_000,
    );
    process.kill(await pidOf('clickhouse'), 'SIGKILL');
    await until(services, (list) => list.find(({ name }) => name === 'clickhouse')?.state === 'healthy');
    process.kill(await pidOf('spark'), 'SIGKILL');
    const { stdout, exitCode } = await generating;
    expect(exitCode).toBe(0);
    const { data } = JSON.parse(stdout);
    const bad = Object.values<number>(data.bad).reduce((sum, n) => sum + n, 0);
    expect(bad).toBeGreaterThan(0);
    expect(data.duplicates).toBeGreaterThan(0);

    const valid = data.sent - bad - data.duplicates;
    const seen = await until(
      () => counts(data),
      ({ ids }) => Number(ids) >= valid,
    );
    expect({ rows: Number(seen.rows), ids: Number(seen.ids) }).toEqual({ rows: valid, ids: valid });

    const dead = await until(
      () => deadLetters('user_events.dlq'),
      ({ size }) => size >= bad,
    );
    expect(dead.size).toBe(bad);
    const classes = new Set(dead.values());
    for (const reason of ['malformed', 'missing_field', 'wrong_type', 'unknown_value', 'in_future', 'too_late']) {
      expect(classes, reason).toContain(reason);
    }
  });

  it('keeps the views equal to the base table', async () => {
    const { base, activity, tiers } = await row(`select
      (select count() from user_events_realtime) as base,
      (select sum(events) from user_activity_summary_mv) as activity,
      (select sum(events) from tier_activity_mv) as tiers`);
    expect([activity, tiers].map(Number)).toEqual([Number(base), Number(base)]);
    const { sessions, summaries } = await row(`select
      (select sum(events) from sessions_realtime) as summaries,
      (select count() from user_events_realtime) as sessions`);
    expect(Number(summaries)).toBe(Number(sessions));
  });
});

describe('external events', () => {
  it('reach events_speed, what is no envelope the dead letters', async () => {
    const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
    const event = {
      event_id: id(1),
      timestamp: new Date().toISOString(),
      event_type: 'ticket_opened',
      source_system: 'helpdesk',
      user_id: id(2),
      session_id: id(3),
      data: { priority: 'high', tags: ['a', 'b'] },
      metadata: { version: '1', processing_timestamp: new Date().toISOString() },
    };
    const producer = new Producer({
      clientId: 'e2e',
      bootstrapBrokers: await brokers(),
      serializers: stringSerializers,
    });
    const message = (value: object) => ({ topic: 'events.raw', key: event.user_id, value: JSON.stringify(value) });
    await producer.send({ messages: [message(event), message({ ...event, data: 'none' }), message(event)] });
    await producer.close();
    const seen = await until(
      () =>
        row(
          `select count() as n, any(data.priority)::String as priority from events_speed where source_system = 'helpdesk'`,
        ),
      ({ n }) => Number(n) > 0,
    );
    expect(seen).toEqual({ n: 1, priority: 'high' });
    const dead = await until(
      () => deadLetters('events.raw.dlq'),
      ({ size }) => size > 0,
    );
    expect([...dead.values()]).toEqual(['wrong_type']);
  });
});

describe('faults', () => {
  it('come to an end by themselves: every component is back after kill -9', async () => {
    for (const name of ['postgres', 'kafka', 'connect', 'registry', 'objectstore']) {
      const pid = await pidOf(name);
      process.kill(pid, 'SIGKILL');
      await until(services, (list) =>
        list.some((each) => each.name === name && each.state === 'healthy' && each.pid !== pid),
      );
    }
    await until(services, (list) => list.every(({ state }) => state === 'healthy'));
    const { valid, ...window } = await must('generate', '--rate', '1000', '--duration', '5s');
    await until(
      () => counts(window),
      ({ rows, ids }) => Number(rows) === valid && Number(ids) === valid,
    );
  });

  it('names wrong input, changes nothing and exits with the code of its kind', async () => {
    const cases: [string[], number, string][] = [
      [['up', '--profile', 'huge'], 2, 'UNKNOWN_PROFILE'],
      [['up', '--only', 'kafak'], 2, 'UNKNOWN_COMPONENT'],
      [['up', '--no-such-flag'], 2, 'BAD_USAGE'],
      [['up', '--port', 'postgres.sql=x'], 2, 'BAD_PORT'],
      [['generate', '--rate', '0'], 2, 'BAD_RATE'],
      [['query', 'selct 1'], 2, 'BAD_SQL'],
      [['query', 'insert into user_events_realtime (browser) values (1)'], 2, 'BAD_SQL'],
      [['down', '--volumes'], 3, 'CONFIRMATION_NEEDED'],
      [['logs', 'nobody'], 2, 'UNKNOWN_COMPONENT'],
    ];
    for (const [args, exitCode, code] of cases) {
      const answer = await run(...args);
      expect({ args, exitCode: answer.exitCode, code: answer.error?.code }).toEqual({ args, exitCode, code });
    }
  });

  it('leaves no orphan when the supervisor is killed, and the next up finds all data', async () => {
    const { n: before } = await row('select count() as n from user_events_realtime');
    const { supervisor } = await must('status');
    process.kill(supervisor.pid, 'SIGKILL');
    await until(
      async () => processesOf(stack),
      (list) => list.length === 0,
    );
    expect((await run('health')).exitCode).toBe(10);
    await must('up', ...speedHalf);
    expect(await row('select count() as n from user_events_realtime')).toEqual({ n: before });
  });
});

describe('down', () => {
  it('leaves no process, and up finds all data again', async () => {
    const { n: before } = await row('select count() as n from user_events_realtime');
    await must('down');
    expect(processesOf(stack)).toEqual([]);
    expect((await must('status')).up).toBe(false);

    // Ctrl-C in the middle: what had started keeps running, and the next up goes on from there.
    const interrupted = start('up', ...speedHalf);
    await until(
      async () => processesOf(stack),
      (list) => list.length > 2,
    );
    interrupted.kill('SIGINT');
    expect((await interrupted).exitCode).toBe(130);
    expect(processesOf(stack)).not.toEqual([]);
    await must('up', ...speedHalf);
    expect(await row('select count() as n from user_events_realtime')).toEqual({ n: before });
    // Change data capture goes on from its slot.
    const captured = await endOf('cdc.postgres.users');
    await shop((client) =>
      client.query("update users set city = 'Elsewhere' where user_id in (select user_id from users limit 3)"),
    );
    await until(
      () => endOf('cdc.postgres.users'),
      (end) => end >= captured + 3,
    );
    const users = await shop(async (client) => (await client.query('select count(*)::int as n from users')).rows[0].n);
    expect(users).toBeGreaterThanOrEqual(10_000);
  });

  it('with --volumes deletes the stack whole', async () => {
    await must('down', '--volumes', '--yes');
    expect(processesOf(stack)).toEqual([]);
    expect(existsSync(join(homeOfTests, 'stacks', stack, 'data'))).toBe(false);
  });
});
