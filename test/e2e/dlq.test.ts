import { randomUUID } from 'node:crypto';
import { Producer } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecordReader, type StoredRecord } from '../../src/probes/kafka-records.ts';
import { cliOf, until } from './cli.ts';

// Real broker, real speed job: every test goes on from where the one before left it.
const stack = `e2e-dlq-${process.pid}`;
const { start, run, must, row } = cliOf(stack);

let bootstrap: string[] = [];
let reader: RecordReader;
let producer: Producer<Buffer, Buffer, Buffer, Buffer>;

const event = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  event_id: randomUUID(),
  user_id: randomUUID(),
  session_id: randomUUID(),
  event_type: 'page_view',
  timestamp: new Date().toISOString(),
  device_type: 'mobile',
  browser: 'Firefox',
  ip_address: '192.0.2.7',
  page_url: 'https://shop.example.com/',
  properties: { referrer: 'direct', duration_seconds: 3 },
  ...change,
});

const send = (topic: string, values: readonly string[], headers: Record<string, string> = {}) =>
  producer.send({
    messages: values.map((value, index) => ({
      topic,
      key: Buffer.from(`key-${index}`),
      value: Buffer.from(value),
      headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    })),
  });
const sendEvents = (events: readonly object[]) =>
  send(
    'user_events',
    events.map((each) => JSON.stringify(each)),
  );

async function recordsOf(topic: string): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (const { partition, begin, end } of await reader.bounds(topic)) {
    for await (const records of reader.read(topic, partition, begin, end)) all.push(...records);
  }
  return all;
}

const header = ({ headers }: StoredRecord, name: string): string =>
  String(headers.find(([each]) => each === name)?.[1] ?? '');
const endOf = async (topic: string) => (await reader.bounds(topic)).reduce((sum, { end }) => sum + end, 0);
/** Origins of what replays have put on a topic, each as often as it is there. */
const originsOn = async (topic: string) =>
  (await recordsOf(topic)).map((each) => header(each, 'dlq.origin')).filter((each) => each !== '');

interface ErrorClass {
  errorClass: string;
  count: number;
  replayed: number;
  exhausted: number;
}

const classesOf = async (topic: string): Promise<Record<string, ErrorClass>> => {
  const [report] = (await must('dlq', 'list', '--topic', topic)).topics;
  return Object.fromEntries(report.classes.map((each: ErrorClass) => [each.errorClass, each]));
};
const countOf = async (topic: string, errorClass: string) => (await classesOf(topic))[errorClass]?.count ?? 0;
/** Until there are so many letters of a class; how many there are. */
const untilLetters = (topic: string, errorClass: string, count: number) =>
  until(
    () => countOf(topic, errorClass),
    (there) => there >= count,
    300_000,
  );
const replay = (...args: string[]) => must('dlq', 'replay', ...args);

const inClickHouse = async (ids: readonly unknown[]) => {
  const found = await row(
    `select count() as rows, uniqExact(event_id) as ids from user_events_realtime where event_id in (${ids.map((id) => `'${id}'`).join(',')})`,
  );
  return { rows: Number(found.rows), ids: Number(found.ids) };
};
const untilIn = (ids: readonly unknown[]) =>
  until(
    () => inClickHouse(ids),
    (found) => found.ids === ids.length,
    300_000,
  );

beforeAll(async () => {
  await must('up', '--profile', 'lite', '--any-port', '--only', 'kafka', '--only', 'clickhouse', '--only', 'spark');
  const { connections } = await must('connections');
  const { url } = connections.find((each: { component: string }) => each.component === 'kafka');
  bootstrap = url.replace(/^kafka:\/\//, '').split(',');
  reader = new RecordReader(bootstrap);
  producer = new Producer({ clientId: 'e2e', bootstrapBrokers: bootstrap });
});

afterAll(async () => {
  await Promise.allSettled([reader?.close(), producer?.close()]);
  await run('down', '--volumes', '--yes');
});

describe('list and show', () => {
  it('count bad records exactly by reason and show them as they came', async () => {
    const good = Array.from({ length: 10 }, () => event());
    await sendEvents(good);
    await send('user_events', ['{"event_id":', 'not json', '[1]'], { trace: 'abc' });
    await sendEvents([event({ device_type: 7 }), event({ device_type: true })]);
    await sendEvents(Array.from({ length: 5 }, () => event({ event_type: 'wishlist_add' })));
    await until(
      () => endOf('user_events.dlq'),
      (end) => end >= 10,
      300_000,
    );
    await untilIn(good.map(({ event_id }) => event_id));
    expect(await classesOf('user_events')).toMatchObject({
      malformed: { count: 3, replayed: 0, exhausted: 0 },
      wrong_type: { count: 2, replayed: 0 },
      unknown_value: { count: 5, replayed: 0 },
    });

    const { letters } = await must('dlq', 'show', 'user_events', '--reason', 'malformed');
    expect(letters).toHaveLength(3);
    expect(letters.map(({ value }: { value: { text: string } }) => value.text).sort()).toEqual([
      '[1]',
      'not json',
      '{"event_id":',
    ]);
    expect(letters[0]).toMatchObject({ attempt: 1, first: null, replayed: false, headers: { trace: 'abc' } });
    const { partition, offset } = letters[0];
    const one = await must('dlq', 'show', 'user_events.dlq', '--offset', `${partition}:${offset}`);
    expect(one.letters).toEqual([letters[0]]);
    expect((await run('dlq', 'show', 'user_events', '--offset', '0:99999')).exitCode).toBe(2);
    expect((await run('dlq', 'list', '--topic', 'nope')).error?.code).toBe('UNKNOWN_TOPIC');
  });
});

describe('replay', () => {
  it('sends what is still bad through the validation again, with its attempts and first cause, and gives up after three', async () => {
    const only = ['--topic', 'user_events', '--reason', 'malformed'];
    expect((await replay(...only, '--dry-run')).replayed).toBe(3);
    expect((await replay(...only)).replayed).toBe(3);
    await untilLetters('user_events', 'malformed', 6);
    expect((await replay(...only)).replayed).toBe(3);
    await untilLetters('user_events', 'malformed', 9);
    const refused = await replay(...only);
    expect(refused).toMatchObject({ replayed: 0, skipped: { already: 6, exhausted: 3 } });
    const { letters } = await must('dlq', 'show', 'user_events', '--reason', 'malformed', '--limit', '3');
    for (const letter of letters) {
      expect(letter).toMatchObject({ attempt: 3, first: { errorClass: 'malformed' }, headers: { trace: 'abc' } });
    }
    expect((await replay(...only, '--force', '--limit', '1')).replayed).toBe(1);
    await untilLetters('user_events', 'malformed', 10);
  });

  it('lands a mended record once, also when its producer mends it too', async () => {
    const bad = (await recordsOf('user_events.dlq')).filter(
      (each) => header(each, 'dlq.error.class') === 'unknown_value',
    );
    const events = bad.map(({ value }) => JSON.parse(String(value)));
    // The producer mends one of them.
    await sendEvents([{ ...events[0], event_type: 'search' }]);
    const only = ['--topic', 'user_events', '--reason', 'unknown_value'];
    expect((await replay(...only, '--set', 'event_type=search')).replayed).toBe(5);
    const again = await replay(...only, '--set', 'event_type=search');
    expect(again).toMatchObject({ replayed: 0, skipped: { already: 5 } });
    const ids = events.map(({ event_id }) => event_id);
    // A record behind them in every partition: what comes before it has been written.
    const last = Array.from({ length: 40 }, () => event());
    await untilIn(ids);
    await sendEvents(last);
    await untilIn(last.map(({ event_id }) => event_id));
    expect(await inClickHouse(ids)).toEqual({ rows: 5, ids: 5 });
    expect((await classesOf('user_events')).unknown_value).toMatchObject({ count: 5, replayed: 5 });
  });

  it('puts nothing back twice when it is killed midway, and nothing is left out', async () => {
    const count = 40_000;
    for (let sent = 0; sent < count; sent += 4000) {
      await send(
        'transactions',
        Array.from({ length: 4000 }, (_, index) => `broken ${sent + index}`),
      );
    }
    await until(
      () => endOf('transactions.dlq'),
      (end) => end >= count,
      300_000,
    );
    const before = await endOf('transactions');
    const replaying = start('dlq', 'replay', '--topic', 'transactions');
    await until(
      () => endOf('transactions'),
      (end) => end > before,
    );
    replaying.kill('SIGKILL');
    const { exitCode } = await replaying;
    expect(exitCode).not.toBe(0);
    const arrived = (await endOf('transactions')) - before;
    expect(arrived).toBeGreaterThan(0);
    expect(arrived).toBeLessThan(count);

    // What the first one put back may have been refused again by now: that goes back as well, as letters of their own.
    const rest = await replay('--topic', 'transactions');
    expect(rest.replayed).toBeGreaterThanOrEqual(count - arrived);
    const records = await recordsOf('transactions');
    const originals = records.filter((each) => header(each, 'dlq.origin') === '');
    const origins = records.map((each) => header(each, 'dlq.origin')).filter((each) => each !== '');
    const put = new Set(origins);
    expect(put.size).toBe(origins.length);
    const missing = originals.filter(({ partition, offset }) => !put.has(`transactions/${partition}/${offset}`));
    expect({ originals: originals.length, missing }).toEqual({ originals: count, missing: [] });
  });

  it('lets one of two at once replay', async () => {
    await send(
      'events.raw',
      Array.from({ length: 50 }, (_, index) => `broken ${index}`),
    );
    await untilLetters('events.raw', 'malformed', 50);
    const both = await Promise.all([
      run('dlq', 'replay', '--topic', 'events.raw', '--limit', '50'),
      run('dlq', 'replay', '--topic', 'events.raw', '--limit', '50'),
    ]);
    for (const { error } of both) expect([undefined, 'DLQ_BUSY']).toContain(error?.code);
    const origins = await originsOn('events.raw');
    expect(new Set(origins).size).toBe(origins.length);
    expect(both.reduce((sum, { data }) => sum + (data?.replayed ?? 0), 0)).toBe(origins.length);
    expect(origins.length).toBeGreaterThanOrEqual(50);
  });
});

describe('purge', () => {
  it('asks, deletes only from the old end, and hides nothing from dlq_watch', async () => {
    expect((await run('dlq', 'purge', '--all')).exitCode).toBe(3);
    expect((await run('dlq', 'purge', '--yes')).exitCode).toBe(2);
    const later = await run('dlq', 'purge', '--topic', 'user_events', '--reason', 'unknown_value', '--yes');
    expect(later.error?.code).toBe('DLQ_NOT_THE_OLDEST');
    const ever = (await must('dags', 'dead-letters')).topics;
    const [events] = (await must('dlq', 'purge', '--topic', 'user_events', '--replayed', '--yes')).topics;
    expect(events.deleted).toBeGreaterThan(0);
    const { wrong_type: kept } = await classesOf('user_events');
    expect(kept?.count).toBe(2);
    const purged = await must('dlq', 'purge', '--all', '--yes');
    expect(purged.topics.every(({ left }: { left: number }) => left === 0)).toBe(true);
    expect((await must('dlq', 'list')).topics.every(({ records }: { records: number }) => records === 0)).toBe(true);
    expect((await must('dags', 'dead-letters')).topics).toEqual(ever);
  });
});

describe('circuit breaker', () => {
  it('opens while ClickHouse is away, is told by status, closes again, and nothing is lost', async () => {
    const circuit = async () => {
      const { writes, components } = await must('status');
      const pid = components.find(({ name }: { name: string }) => name === 'clickhouse').pid;
      return { ...writes.find(({ to }: { to: string }) => to === 'clickhouse'), pid };
    };
    await until(circuit, ({ state }) => state === 'closed');
    const sent: unknown[] = [];
    const opened = await until(
      async () => {
        const events = [event(), event()];
        sent.push(...events.map(({ event_id }) => event_id));
        await sendEvents(events);
        const now = await circuit();
        // As often as the supervisor brings it back.
        if (now.state !== 'open' && now.pid !== null) kill(now.pid);
        return now;
      },
      ({ state }) => state === 'open',
      300_000,
    );
    expect(opened.failures).toBeGreaterThanOrEqual(3);
    expect(opened.since).not.toBeNull();
    expect(opened.lastError).not.toBeNull();
    await until(circuit, ({ state }) => state === 'closed', 300_000);
    expect(await untilIn(sent)).toEqual({ rows: sent.length, ids: sent.length });
  });
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
