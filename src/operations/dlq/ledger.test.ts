import { expect, it } from 'vitest';
import type { OperationContext } from '../../core/events.ts';
import type { OutgoingRecord } from '../../probes/kafka-record-writer.ts';
import type { Bounds, StoredRecord } from '../../probes/kafka-records.ts';
import { ReplayLedger } from './ledger.ts';
import type { Entry } from './ledger-entry.ts';
import { OffsetSet } from './ranges.ts';

const context: OperationContext = { emit: () => {}, signal: new AbortController().signal };

/** Topics in memory: what an append-only log does, and nothing else. The broker itself is in test/e2e/dlq.test.ts. */
class Log {
  private readonly partitions = new Map<string, StoredRecord[]>();
  /** Runs before the next append. */
  before: (() => void) | null = null;

  async send(records: readonly OutgoingRecord[]): Promise<Map<string, number>> {
    const first = this.before;
    this.before = null;
    first?.();
    for (const record of records) this.append(record);
    return new Map();
  }

  append({ topic, partition, key, value, headers }: OutgoingRecord): void {
    const stored = this.partitions.get(`${topic}/${partition}`) ?? [];
    stored.push({ topic, partition, offset: stored.length, timestampMs: 0, key, value, headers: [...headers] });
    this.partitions.set(`${topic}/${partition}`, stored);
  }

  entry([key, entry]: Entry): void {
    const value = Buffer.from(JSON.stringify(entry));
    this.append({ topic: 'ledger', partition: 0, key: Buffer.from(key), value, headers: new Map() });
  }

  async bounds(topic: string): Promise<Bounds[]> {
    return [{ partition: 0, begin: 0, end: this.partitions.get(`${topic}/0`)?.length ?? 0 }];
  }

  async *read(topic: string, partition: number, from: number, to: number): AsyncGenerator<StoredRecord[]> {
    const records = (this.partitions.get(`${topic}/${partition}`) ?? []).slice(from, to);
    if (records.length > 0) yield records;
  }
}

const open = (log: Log) => new ReplayLedger('ledger', log, log);
const chunk = { topic: 'events', partition: 3, target: 0, scanFrom: 0 };
const at = (offset: number) => ({ topic: 'events', partition: 3, offset });

function offsets(...all: number[]): OffsetSet {
  const set = new OffsetSet();
  for (const each of all) set.add(each);
  return set;
}

it('remembers for every later replay what was put back', async () => {
  const log = new Log();
  const first = open(log);
  await first.claim('one', context);
  await first.put(chunk, offsets(5, 6), async () => {});
  await first.put(chunk, offsets(9), async () => {});
  await first.release();
  const second = open(log);
  await second.claim('two', context);
  expect([4, 5, 6, 7, 9].map((offset) => second.replayed.has(at(offset)))).toEqual([false, true, true, false, true]);
  expect(second.replayed.has({ ...at(5), partition: 2 })).toBe(false);
  expect(await second.settle(context)).toEqual({ found: 0, free: 0 });
});

it('finds out what a replay that was cut off has put back', async () => {
  const log = new Log();
  const long = Date.now() - 3_600_000;
  log.entry(['claim', { kind: 'claim', run: 'dead', who: 'gone', at: long, after: 0 }]);
  log.entry(['dead/0', { kind: 'begun', run: 'dead', at: long, ...chunk, ranges: [[5, 7]] }]);
  const arrived = new Map([['dlq.origin', Buffer.from('events/3/6')]]);
  const foreign = new Map([['dlq.origin', Buffer.from('events/2/5')]]);
  for (const headers of [new Map(), arrived, foreign])
    log.append({ topic: 'events', partition: 0, key: null, value: null, headers });
  const next = open(log);
  await next.claim('next', context);
  expect(next.replayed.has(at(6))).toBe(false);
  expect(await next.settle(context)).toEqual({ found: 1, free: 2 });
  expect([5, 6, 7].map((offset) => next.replayed.has(at(offset)))).toEqual([false, true, false]);
  await next.release();
  const later = open(log);
  await later.claim('later', context);
  expect(await later.settle(context)).toEqual({ found: 0, free: 0 });
  expect(later.replayed.has(at(6))).toBe(true);
});

it('lets the order of the log decide between two that begin at once', async () => {
  const log = new Log();
  const late = open(log);
  log.before = () => log.entry(['claim', { kind: 'claim', run: 'first', who: 'another', at: Date.now(), after: 0 }]);
  await expect(late.claim('late', context)).rejects.toMatchObject({
    code: 'DLQ_BUSY',
    message: expect.stringContaining('another'),
  });
});

it('sends nothing any more once another has taken over', async () => {
  const log = new Log();
  const slow = open(log);
  await slow.claim('slow', context);
  const [{ end = 0 } = {}] = await log.bounds('ledger');
  log.entry(['claim', { kind: 'claim', run: 'taker', who: 'another', at: Date.now(), after: end }]);
  let sent = false;
  const put = slow.put(chunk, offsets(1), async () => {
    sent = true;
  });
  await expect(put).rejects.toMatchObject({ code: 'DLQ_BUSY' });
  expect(sent).toBe(false);
});
