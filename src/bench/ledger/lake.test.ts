import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Generator, type GeneratorOptions } from '../../generator/generator.ts';
import { Expectation } from './expectation.ts';
import { countLakeRecords, lakeHops, lakeLatencies, lakeRecordBytes, OffsetCount } from './lake.ts';
import { rowText } from './row-text.ts';
import { contentOf } from './warehouse.ts';

const engine: GeneratorOptions = {
  seed: 11,
  startTime: Date.parse('2026-11-20T10:00:00Z'),
  rate: 1000,
  count: 3000,
  users: 200,
  products: 50,
  bad: { malformed_json: 0.01, missing_field: 0.01, future_timestamp: 0.01, duplicate: 0.02 },
};
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../../schemas/user_event.schema.json'), 'utf8'));
const { columns } = contentOf('user_events', schema);

type Kind = 'table' | 'rejected' | 'out of time';
const numbers: Record<Kind, number> = { table: 0, rejected: 1, 'out of time': 2 };

function recordOf(kind: Kind, offset: number, json: string | null): Buffer {
  const record = Buffer.alloc(lakeRecordBytes);
  record.writeUInt8(numbers[kind], 0);
  record.writeInt32BE(0, 1);
  record.writeBigInt64BE(BigInt(offset), 5);
  if (json !== null) {
    Buffer.from(JSON.parse(json).event_id.replaceAll('-', ''), 'hex').copy(record, 13);
    createHash('md5').update(rowText(columns, json)).digest().copy(record, 29, 8);
  }
  return record;
}

/** The lake of a run, as the tool would write it: one partition, offsets from 500 on. */
function lakeOf(options: GeneratorOptions): { kind: Kind; json: string | null; bytes: Buffer }[] {
  const records = new Generator(options).batch(options.count ?? 0).filter(({ topic }) => topic === 'user_events');
  return records.map(({ kind, value }, index) => {
    const json = value.toString();
    const fits = kind === 'valid' || kind === 'duplicate';
    const where: Kind = fits ? 'table' : kind === 'future_timestamp' ? 'out of time' : 'rejected';
    return { kind: where, json: fits ? json : null, bytes: recordOf(where, 500 + index, fits ? json : null) };
  });
}

/** In pieces that end anywhere. */
async function* pieces(records: readonly Buffer[]): AsyncIterable<Uint8Array> {
  const all = Buffer.concat(records);
  for (let from = 0; from < all.length; from += 1001) yield all.subarray(from, from + 1001);
}

async function count(records: readonly Buffer[]) {
  const expectation = await Expectation.of({ engine });
  const rows = await expectation.archive('user_events', columns);
  const window = { '0': [500, 500 + (engine.count ?? 0)] } as const;
  const counts = await countLakeRecords(pieces(records), 'user_events', window, rows);
  return { expectation, hops: lakeHops('user_events', counts, expectation) };
}

describe('the ledger of the lake', () => {
  const whole = lakeOf(engine);

  it('finds everything where everything is: re-sends twice, bad records by place', async () => {
    const { expectation, hops } = await count(whole.map(({ bytes }) => bytes));
    expect(expectation.duplicates).toBeGreaterThan(10);
    for (const hop of hops) {
      expect(hop).toMatchObject({ lost: 0, doubled: 0, alien: 0, found: hop.expected });
      expect(hop.altered ?? 0).toBe(0);
    }
    expect(hops.map(({ expected }) => expected)).toEqual([
      3000,
      expectation.valid + expectation.duplicates,
      expectation.bad.malformed_json + expectation.bad.missing_field,
      expectation.bad.future_timestamp,
    ]);
  });

  it('names what was dropped, doubled, altered and planted', async () => {
    const records = whole.map(({ bytes }) => Buffer.from(bytes));
    const inTable = whole.flatMap(({ kind }, index) => (kind === 'table' ? [index] : []));
    const [dropped, doubled, altered] = [inTable.slice(0, 7), inTable.slice(20, 25), inTable.slice(40, 43)];
    for (const index of altered) records[index]?.writeUInt8((records[index].readUInt8(36) + 1) % 256, 36);
    const aliens = [recordOf('table', 500, whole[inTable[0] ?? 0]?.json ?? null)];
    aliens[0]?.fill(7, 13, 29);
    const left = records.filter((_, index) => !dropped.includes(index));
    const { hops } = await count([...left, ...doubled.map((index) => records[index] ?? Buffer.alloc(0)), ...aliens]);
    const [places, rows] = hops;
    // The planted row took the place of the first one that was dropped, if that was offset 500.
    const taken = dropped.includes(0) ? 1 : 0;
    expect(places).toMatchObject({ lost: 7 - taken, doubled: 5 + 1 - taken, alien: 0 });
    expect(rows).toMatchObject({ lost: 7, doubled: 5, alien: 1, altered: 3 });
    const kinds = rows?.examples.map(({ kind }) => kind) ?? [];
    expect(new Set(kinds)).toEqual(new Set(['lost', 'doubled', 'alien', 'altered']));
  });

  it('counts a place in another partition as alien', () => {
    const places = new OffsetCount('user_events', { '3': [10, 12] });
    places.see(3, 10);
    places.see(3, 12);
    places.see(4, 10);
    expect(places.result({ hop: 'lake', store: 's', method: 'm' })).toMatchObject({
      expected: 2,
      found: 1,
      lost: 1,
      alien: 2,
      examples: [
        { kind: 'alien', id: 'user_events/3/12' },
        { kind: 'alien', id: 'user_events/4/10' },
        { kind: 'lost', id: 'user_events/3/11' },
      ],
    });
  });

  it('does not take a file that was cut off for a whole one', async () => {
    const rows = await (await Expectation.of({ engine })).archive('user_events', columns);
    const cut = pieces([Buffer.alloc(lakeRecordBytes + 1)]);
    await expect(countLakeRecords(cut, 'user_events', {}, rows)).rejects.toThrow('within a record');
  });

  it('gives latencies of all tables as weights', () => {
    const pairs = [...lakeLatencies([{ latencies: [[5, 2]] }, { latencies: [[7, 1]] }])];
    expect(pairs).toEqual([
      { latencyMs: 5, count: 2 },
      { latencyMs: 7, count: 1 },
    ]);
  });
});
