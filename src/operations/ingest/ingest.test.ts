import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../../test/support/supervisor.ts';
import { type FileRow, formatOf, readRows } from '../../system/rows.ts';
import { loadSchema } from '../provision/schemas.ts';
import { contractOf } from './contract.ts';
import { ingest } from './ingest.ts';
import { mapRow, parseMapping } from './mapping.ts';

const schemas = join(import.meta.dirname, '../../../schemas');
const context = { emit: () => {}, signal: new AbortController().signal };

async function rowsOf(name: string, content: string | Buffer): Promise<FileRow[]> {
  const path = join(tempDir(), name);
  writeFileSync(path, content);
  const rows: FileRow[] = [];
  for await (const row of readRows(path, formatOf(path) ?? 'jsonl')) rows.push(row);
  return rows;
}

describe('rows of files', () => {
  it('are read from JSON Lines, gzipped too, each bad line named', async () => {
    const rows = await rowsOf('a.jsonl.gz', gzipSync('{"a":1}\n\n[1]\n{"a":\n'));
    expect(rows).toMatchObject([
      { line: 1, row: { a: 1 } },
      { line: 3, row: null, problem: 'it is no JSON object' },
      { line: 4, row: null },
    ]);
  });

  it('are read from CSV with quotes, line breaks, a byte-order mark and other separators', async () => {
    const rows = await rowsOf('a.csv', '\ufeffid;note\n1;"two\nlines; ""quoted"""\n2;\n');
    expect(rows.map(({ row }) => row)).toEqual([
      { id: '1', note: 'two\nlines; "quoted"' },
      { id: '2', note: '' },
    ]);
  });

  it('fail with the cause when there is no such file', async () => {
    const read = async () => {
      for await (const _ of readRows(join(tempDir(), 'none.jsonl'), 'jsonl')) {
        // nothing comes
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('mapping', () => {
  const text = `
fields:
  transaction_id: { uuid_of: [shop, order] }
  user_id: customer
  product_id: { from: item.id }
  quantity: qty
  unit_price: price
  total_amount: total
  discount_amount: { value: 0 }
  tax_amount: { value: 0 }
  status: { from: state, map: { paid: completed }, default: pending }
  payment_method: { value: paypal }
  shipping_address: { from: address, default: unknown }
  created_at: { from: at, format: epoch_s }
  updated_at: { from: at, format: epoch_s }
`;
  const row = {
    shop: 'a',
    order: 7,
    customer: '3f0c7a52-77a5-4a44-8f16-6a2f4f6d5a10',
    'item.id': '3f0c7a52-77a5-4a44-8f16-6a2f4f6d5a11',
    qty: '2',
    price: '10.50',
    total: '21.00',
    state: 'paid',
    at: '1795251600',
  };

  it('makes a record that fits the contract, the same id for the same row', async () => {
    const schema = await loadSchema(join(schemas, 'transaction.schema.json'));
    const mapping = parseMapping(text, 'm.yaml', Object.keys(schema.properties ?? {}));
    const record = mapRow(row, mapping, schema);
    expect(contractOf(schema)(record)).toBeNull();
    expect(record).toMatchObject({
      quantity: 2,
      unit_price: 10.5,
      status: 'completed',
      shipping_address: 'unknown',
      created_at: new Date(1_795_251_600_000).toISOString(),
    });
    expect(mapRow({ ...row }, mapping, schema).transaction_id).toBe(record.transaction_id);
    expect(mapRow({ ...row, order: 8 }, mapping, schema).transaction_id).not.toBe(record.transaction_id);
  });

  it('takes a time without a zone as UTC, and JSON text for objects', async () => {
    const schema = await loadSchema(join(schemas, 'user_event.schema.json'));
    const record = mapRow({ timestamp: '2026-11-20 10:00:00', properties: '{"a":1}' }, {}, schema);
    expect(record).toMatchObject({ timestamp: '2026-11-20T10:00:00.000Z', properties: { a: 1 }, page_url: null });
    expect(contractOf(schema)(record)).toContain('event_id');
  });

  it('is refused with the key that is wrong', () => {
    const parse = (yaml: string) => () => parseMapping(yaml, 'm.yaml', ['a']);
    expect(parse('fields: { b: c }')).toThrow(/there is no field "b"/);
    expect(parse('fields: { a: { form: c } }')).toThrow(/fields.a/);
    expect(parse('a: [')).toThrow(expect.objectContaining({ code: 'BAD_MAPPING', exitCode: 2 }));
  });
});

describe('ingest', () => {
  const request = {
    home: undefined,
    stack: 'none',
    mapping: undefined,
    format: undefined,
    stream: 'user_events',
    to: 'stream',
  } as const;

  it('sends nothing of a file with a wrong row, and names it', async () => {
    const file = join(tempDir(), 'events.jsonl');
    writeFileSync(file, '{"event_id":"x"}\n');
    const run = ingest({ ...request, home: tempDir(), files: [file], onInvalid: 'stop', dryRun: false }, context);
    await expect(run).rejects.toMatchObject({ code: 'ROWS_INVALID', message: expect.stringContaining('line 1: ') });
  });

  it('tells a file that it cannot read from one that is wrong', async () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'a.parquet'), 'no parquet');
    const run = (name: string) =>
      ingest({ ...request, home: dir, files: [join(dir, name)], onInvalid: 'stop', dryRun: true }, context);
    await expect(run('a.parquet')).rejects.toMatchObject({ code: 'BAD_FILE' });
    await expect(run('none.csv')).rejects.toMatchObject({ code: 'BAD_FILE' });
    await expect(run('a.xml')).rejects.toMatchObject({ code: 'BAD_FILE', exitCode: 2 });
  });
});
