import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clickhouseDialect, snowflakeDialect } from './dialect.ts';
import { type EntityName, entityNames, entityOf, layoutOf, moneyColumns, type RecordSchema } from './entities.ts';
import { portions } from './rows.ts';
import { digitsFor } from './segments.ts';
import { textRow } from './sides.ts';
import { canonicalRow, hashesStatement, segmentsStatement, valuesStatement } from './statements.ts';

const root = join(import.meta.dirname, '../..');
const migrations = ['0001', '0002', '0003'].map((number, index) => {
  const name = ['user_events_realtime', 'transactions_realtime', 'events_speed'][index];
  return readFileSync(join(root, `templates/clickhouse/migrations/${number}_${name}.sql`), 'utf8');
});

/** Columns as the migrations create them; the warehouse has every field of the schema. */
function entity(name: EntityName, without: readonly string[] = []) {
  const layout = layoutOf(name);
  const schema: RecordSchema = JSON.parse(readFileSync(join(root, 'schemas', layout.schema), 'utf8'));
  const ddl = migrations[entityNames.indexOf(name)] ?? '';
  const speed = new Map(
    [...ddl.matchAll(/^ {4}([a-z_]+) ([A-Z].*?),?$/gm)].map(([, column = '', type = '']) => [column, type]),
  );
  const batch = new Set(Object.keys(schema.properties ?? {}).filter((column) => !without.includes(column)));
  return entityOf(name, schema, { speed, batch });
}

describe('what is compared', () => {
  it('is every field of the schema that both sides keep', () => {
    const { columns, excluded } = entity('user_events');
    expect(columns.map(({ name }) => name)).toEqual([
      'event_id',
      'user_id',
      'session_id',
      'event_type',
      'timestamp',
      'device_type',
      'browser',
      'ip_address',
      'page_url',
      'product_id',
      'search_query',
      'transaction_id',
      'properties',
    ]);
    expect(excluded).toEqual([]);
  });

  it('knows money by the schema', () => {
    const names = moneyColumns(entity('transactions')).map(({ name, scale }) => [name, scale]);
    expect(names).toEqual([
      ['unit_price', 2],
      ['total_amount', 2],
      ['discount_amount', 2],
      ['tax_amount', 2],
    ]);
  });

  it('leaves out, with the reason, what one side lacks or takes apart', () => {
    expect(entity('external_events').excluded).toEqual([
      { column: 'data', reason: "ClickHouse's JSON does not keep the text that came" },
      { column: 'metadata', reason: "ClickHouse's JSON does not keep the text that came" },
    ]);
    expect(entity('user_events', ['browser']).excluded).toEqual([
      { column: 'browser', reason: 'only the speed layer has it' },
    ]);
  });
});

describe('statements', () => {
  const scope = { entity: entity('user_events'), date: '2026-03-08', lakeTime: 1_772_999_999_000 };

  it('put texts of any content behind their length, and mark NULL', () => {
    const columns = scope.entity.columns.filter(({ name }) => ['event_id', 'page_url', 'product_id'].includes(name));
    expect(canonicalRow(clickhouseDialect, columns)).toBe(
      "concatWithSeparator('|', ifNull(lower(toString(t.event_id)), '~'), ifNull(concat(toString(lengthUTF8(toString(t.page_url))), ':', toString(t.page_url)), '~'), " +
        "ifNull(if(lengthUTF8(lower(toString(t.product_id))) = 36, lower(toString(t.product_id)), concat('!', concat(toString(lengthUTF8(lower(toString(t.product_id)))), ':', lower(toString(t.product_id))))), '~'))",
    );
    expect(canonicalRow(snowflakeDialect, columns.slice(0, 2))).toBe(
      "CONCAT_WS('|', COALESCE(IFF(LENGTH(LOWER(t.EVENT_ID)) = 36, LOWER(t.EVENT_ID), '!' || TO_VARCHAR(LENGTH(LOWER(t.EVENT_ID))) || ':' || LOWER(t.EVENT_ID)), '~'), COALESCE(TO_VARCHAR(LENGTH(t.PAGE_URL)) || ':' || t.PAGE_URL, '~'))",
    );
  });

  it('take one day, half open', () => {
    const sql = hashesStatement(snowflakeDialect, scope, { digits: 1, segments: ['0'] });
    expect(sql).toContain("t.TIMESTAMP >= '2026-03-08 00:00:00'::TIMESTAMP_NTZ");
    expect(sql).toContain("t.TIMESTAMP < '2026-03-09 00:00:00'::TIMESTAMP_NTZ");
  });

  it('ask the speed layer alone for what came before the batch looked', () => {
    expect(segmentsStatement(clickhouseDialect, scope, 3)).toContain('countIf(early)');
    expect(segmentsStatement(snowflakeDialect, scope, 3)).not.toContain('early');
  });

  it('cannot be left by an id', () => {
    const sql = valuesStatement(snowflakeDialect, scope, ["x' OR '1'='1", "y\\' OR 1=1 --"]);
    expect(sql).toContain(String.raw`IN ('x'' OR ''1''=''1', 'y\\'' OR 1=1 --')`);
  });
});

describe('segments', () => {
  it.each([
    [0, 1],
    [1000, 1],
    [4096, 1],
    [4097, 2],
    [1_000_000, 3],
    [10_000_000_000, 6],
  ])('%d rows are divided by %d digits', (rows, digits) => expect(digitsFor(rows)).toBe(digits));

  it('are fetched in portions that fit in memory, none twice', () => {
    const segments = new Map(Array.from({ length: 1000 }, (_, n) => [n.toString(16), 300]));
    const groups = [...portions({ differing: [{ digits: 3, segments }] })];
    expect(groups.flatMap((group) => group.segments)).toEqual([...segments.keys()]);
    expect(Math.max(...groups.map((group) => group.segments.length * 300))).toBeLessThanOrEqual(100_000);
  });

  it('of more rows than fit come alone', () => {
    const segments = new Map([
      ['a', 500_000],
      ['b', 1],
    ]);
    const groups = [...portions({ differing: [{ digits: 1, segments }] })];
    expect(groups.map((group) => group.segments)).toEqual([['a'], ['b']]);
  });
});

it('keeps NULL apart from text', () => {
  expect(textRow({ a: null, b: '', c: 5n, d: undefined })).toEqual([null, '', '5', null]);
});
