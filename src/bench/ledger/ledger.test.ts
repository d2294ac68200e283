import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StreamName } from '../../generator/generator.ts';
import { createGenerator } from '../../generator/generator.ts';
import { type ColumnKind, type ComparedColumn, entityOf, type RecordSchema } from '../../reconcile/entities.ts';
import { Expectation } from './expectation.ts';
import type { HopCount } from './hop-count.ts';
import { RowDigester } from './row-digest.ts';
import { rowText } from './row-text.ts';
import { ledgerReport } from './speed-ledger.ts';

const bad = {
  malformed_json: 0.02,
  missing_field: 0.05,
  wrong_type: 0.02,
  unknown_type: 0.02,
  future_timestamp: 0.02,
  late_timestamp: 0.02,
  duplicate: 0.05,
};
const engine = { seed: 2 ** 40 + 7, rate: 1000, startTime: Date.UTC(2026, 10, 21, 23, 59, 58), count: 6000, bad };
const where = { hop: 'kafka', store: 'user_events', method: 'every id' };
const unknownId = '00000000-0000-4000-8000-000000000001';

/** The schema's fields, as if ClickHouse had a column for each. */
function columnsOf(stream: StreamName, file: string): readonly ComparedColumn[] {
  const path = join(import.meta.dirname, '../../../schemas', file);
  const schema = JSON.parse(readFileSync(path, 'utf8')) as RecordSchema;
  const names = Object.keys(schema.properties ?? {});
  return entityOf(stream, schema, { speed: new Map(names.map((name) => [name, 'String'])), batch: new Set(names) })
    .columns;
}
const eventColumns = columnsOf('user_events', 'user_event.schema.json');
const saleColumns = columnsOf('transactions', 'transaction.schema.json');

const recordsOf = (options = engine) => createGenerator(options).batch(Number.POSITIVE_INFINITY);
const idOf = (value: Buffer): string =>
  JSON.parse(value.toString())[value.includes('"event_type"') ? 'event_id' : 'transaction_id'];
const digestOf = (columns: readonly ComparedColumn[], value: Buffer): string =>
  hash('md5', rowText(columns, value.toString('utf8')));

describe('the expectation', () => {
  it('tells what the generator writes', async () => {
    const expected = await Expectation.of({ engine });
    const records = recordsOf();
    const of = (topic: string, kind: string) => records.filter((each) => each.topic === topic && each.kind === kind);
    expect(expected.valid).toBe(of('user_events', 'valid').length);
    expect(expected.transactions).toBe(of('transactions', 'valid').length);
    expect(expected.duplicates).toBe(of('user_events', 'duplicate').length);
    for (const kind of ['malformed_json', 'missing_field', 'late_timestamp'] as const) {
      expect(expected.bad[kind]).toBe(of('user_events', kind).length);
      expect(expected.bad[kind]).toBeGreaterThan(0);
    }
    const times = records.filter(({ kind }) => kind === 'valid').map(({ timestampMs }) => Math.floor(timestampMs));
    expect(expected.range).toEqual({ from: Math.min(...times), to: Math.max(...times) });
    expect(expected.sent).toBe(expected.valid + expected.transactions);
  });

  it('tells a run that was cut short, re-sends as the whole run would have made them', async () => {
    const expected = await Expectation.of({ engine: { ...engine, count: 20_000 }, generated: 3000 });
    const records = createGenerator({ ...engine, count: 20_000 }).batch(3000);
    const duplicates = records.filter(({ kind }) => kind === 'duplicate').length;
    expect([expected.duplicates, expected.transactions]).toEqual([
      duplicates,
      records.filter(({ topic }) => topic === 'transactions').length,
    ]);
  });

  it('is of nothing where nothing was sent', async () => {
    const expected = await Expectation.of({ engine, generated: 0 });
    const found = (await expected.hop('user_events')).result(where);
    expect(found).toMatchObject({ expected: 0, found: 0, lost: 0, altered: null, examples: [] });
    expect(expected.range).toEqual({ from: engine.startTime, to: engine.startTime });
  });
});

describe('counting a table', () => {
  const valid = recordsOf().filter(({ topic, kind }) => topic === 'user_events' && kind === 'valid');
  const seeAll = (count: HopCount, records: readonly { value: Buffer }[]) => {
    for (const { value } of records) count.seeText(idOf(value), digestOf(eventColumns, value));
  };

  it('finds nothing wrong with what was sent', async () => {
    const expected = await Expectation.of({ engine });
    const count = await expected.hop('user_events', eventColumns);
    seeAll(count, valid);
    expect(count.result(where)).toEqual({
      ...where,
      expected: valid.length,
      found: valid.length,
      ...{ lost: 0, doubled: 0, alien: 0, altered: 0, examples: [] },
    });
  });

  it('counts exactly what was dropped, doubled, altered and made up', async () => {
    const expected = await Expectation.of({ engine });
    await expected.prepare({ user_events: eventColumns });
    const count = await expected.hop('user_events', eventColumns);
    seeAll(count, valid.slice(7));
    seeAll(count, [...valid.slice(100, 105), ...valid.slice(100, 101)]);
    const [altered] = valid.slice(50, 51);
    if (altered === undefined) throw new Error('the run is too short');
    count.seeText(idOf(altered.value).toUpperCase(), '0'.repeat(32));
    count.seeText(unknownId, '0'.repeat(32));
    count.seeText('not-a-uuid');
    const spoiled = recordsOf().find(({ kind }) => kind === 'late_timestamp');
    count.seeText(idOf(spoiled?.value ?? Buffer.alloc(0)), '0'.repeat(32));
    const found = count.result(where);
    expect(found).toMatchObject({ expected: valid.length, lost: 7, doubled: 7, alien: 3, altered: 1 });
    expect(found.found).toBe(found.expected - found.lost + found.doubled);
    const named = (kind: string) => found.examples.filter((each) => each.kind === kind).map(({ id }) => id);
    expect(named('lost')).toEqual(valid.slice(0, 7).map(({ value }) => idOf(value)));
    expect(named('altered')).toEqual([idOf(altered.value)]);
    expect(named('alien')).toEqual([unknownId, 'not-a-uuid', idOf(spoiled?.value ?? Buffer.alloc(0))]);
    expect(ledgerReport(expected, [found], 1)).toMatchObject({ lost: 7, doubled: 7, alien: 3, altered: 1, bad: null });
  });

  it('names ten of each kind and counts all', async () => {
    const count = await (await Expectation.of({ engine })).hop('user_events');
    for (let i = 0; i < 300; i++) for (const { value } of valid.slice(0, 20)) count.seeText(idOf(value));
    const { doubled, lost, examples } = count.result(where);
    expect([doubled, lost, examples.length]).toEqual([299 * 20, valid.length - 20, 20]);
  });
});

describe('counting a topic', () => {
  it('expects bad records and re-sends as sent, byte for byte', async () => {
    const expected = await Expectation.of({ engine });
    const { count, reader } = await expected.topic('user_events');
    const records = recordsOf().filter(({ topic }) => topic === 'user_events');
    for (const { value } of records) reader.see(count, value, () => 'here');
    expect(count.result(where)).toMatchObject({
      expected: 6000,
      found: 6000,
      lost: 0,
      doubled: 0,
      alien: 0,
      altered: 0,
    });
    const again = records.find(({ kind }) => kind === 'duplicate')?.value ?? Buffer.alloc(0);
    const rewritten = Buffer.from(JSON.stringify({ padding: 1, ...JSON.parse(again.toString()) }));
    reader.see(count, rewritten, () => 'here');
    reader.see(count, Buffer.from('{"event_id":"no"}'), () => 'here');
    reader.see(count, Buffer.from('not JSON'), () => 'topic-0@5');
    const found = count.result(where);
    expect(found).toMatchObject({ found: 6001, doubled: 1, altered: 1, alien: 2 });
    expect(found.examples.filter(({ kind }) => kind === 'alien').map(({ id }) => id)).toEqual(['no', 'topic-0@5']);
  });

  it('expects no longer what was given up and did not arrive, and nothing more than that', async () => {
    const expected = await Expectation.of({ engine, givenUp: { user_events: 30, transactions: 0 } });
    const { count, reader } = await expected.topic('user_events');
    const records = recordsOf().filter(({ topic, kind }) => topic === 'user_events' && kind !== 'duplicate');
    // Twenty of those given up are missing at the end, and two more in the middle: of the 32 only 30 are explained.
    const resent = recordsOf().filter(({ kind }) => kind === 'duplicate');
    const arrived = [...records.slice(0, 1000), ...records.slice(1002, -30), ...resent];
    for (const { value } of arrived) reader.see(count, value, () => 'here');
    const before = count.result(where).lost;
    expect(expected.settle('user_events', count)).toBe(30);
    expect(count.result(where).lost).toBe(before - 30);
    expect(before).toBeGreaterThanOrEqual(2);
    const table = (await expected.hop('user_events')).result(where);
    expect(table.expected).toBeLessThan(expected.valid);
    expect(table.expected).toBeGreaterThanOrEqual(expected.valid - 30);
  });
});

describe('row digests', () => {
  const signed = (text: string) => Buffer.from(hash('md5', text), 'hex').readInt32BE(12);

  it.each([
    ['user_events', eventColumns],
    ['transactions', saleColumns],
  ] as const)('are those of the canonical row: %s', (stream, columns) => {
    const digester = new RowDigester(columns);
    for (const { value } of recordsOf().filter(({ topic, kind }) => topic === stream && kind === 'valid')) {
      expect(digester.digest(value, value.length)).toBe(signed(rowText(columns, value.toString('utf8'))));
    }
  });

  it.each([
    [{ a: 'x|y', b: null, n: 12 }, 'x|y', '3:x|y|~|12|~'],
    [{ a: 'ü€😀"\\', b: 'B', n: -1 }, 'escapes', '5:ü€😀"\\|1:B|-1|~'],
    [{ a: 'ü€😀', n: 0, o: { deep: { x: '}' } } }, 'objects', '3:ü€😀|~|0|18:{"deep":{"x":"}"}}'],
  ])('take any text: %#', (record, _, row) => {
    const column = (name: string, kind: ColumnKind) => ({ name, kind, scale: 2, speedType: 'String' });
    const columns = [column('a', 'text'), column('b', 'text'), column('n', 'integer'), column('o', 'text')];
    const json = Buffer.from(JSON.stringify(record));
    expect(rowText(columns, json.toString())).toBe(row);
    expect(new RowDigester(columns).digest(json, json.length)).toBe(signed(row));
  });
});
