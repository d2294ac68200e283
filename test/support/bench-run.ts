import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Producer } from '@platformatic/kafka';
import type { Bootstrap } from '../../src/core/bootstrap.ts';
import { createGenerator, type GeneratedRecord, type GeneratorOptions } from '../../src/generator/generator.ts';
import type { ClickHouseClient } from '../../src/probes/clickhouse.ts';
import { clientOf } from '../../src/probes/kafka-brokers.ts';
import type { RecordSchema } from '../../src/reconcile/entities.ts';

/** Defects of one store: how many records are left out, written twice, changed, and made up. */
export interface Defects {
  dropped: number;
  doubled: number;
  altered: number;
  alien: number;
}

export const noDefects: Defects = { dropped: 0, doubled: 0, altered: 0, alien: 0 };

export const schemaOf = (name: string): RecordSchema =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.schema.json`), 'utf8'));

export const recordsOf = (engine: GeneratorOptions): GeneratedRecord[] =>
  createGenerator(engine).batch(Number.POSITIVE_INFINITY);

const idField = (record: GeneratedRecord) => (record.topic === 'transactions' ? 'transaction_id' : 'event_id');
export const idOf = (record: GeneratedRecord): string => JSON.parse(record.value.toString())[idField(record)];

/** Puts defects into records: the first are left out, the next doubled, the next altered; what is made up comes last. */
export function withDefects(records: readonly GeneratedRecord[], defects: Defects) {
  const { dropped, doubled, altered, alien } = defects;
  const first = dropped;
  const second = first + doubled;
  const third = second + altered;
  const changed = (record: GeneratedRecord, change: (fields: Record<string, unknown>) => void): GeneratedRecord => {
    const fields = JSON.parse(record.value.toString());
    change(fields);
    return { ...record, value: Buffer.from(JSON.stringify(fields)) };
  };
  const change = (fields: Record<string, unknown>) => {
    if ('browser' in fields) fields.browser = `${fields.browser}!`;
    else fields.payment_method = 'cheque';
  };
  const aliens = records.slice(third, third + alien).map((record, n) =>
    changed(record, (fields) => {
      fields[idField(record)] = `0000000${n}-0000-4000-8000-0000000a11e0`;
    }),
  );
  const twice = records.slice(first, second);
  const alike = records.slice(second, third).map((record) => changed(record, change));
  return {
    records: [...twice, ...twice, ...alike, ...records.slice(third), ...aliens],
    ids: {
      lost: records.slice(0, first).map(idOf),
      doubled: twice.map(idOf),
      altered: alike.map(idOf),
      alien: aliens.map(idOf),
    },
  };
}

/** Writes records as any client would. */
export async function produce(
  bootstrap: Bootstrap,
  messages: readonly { topic: string; key: Buffer; value: Buffer; headers?: Record<string, string> }[],
): Promise<void> {
  const producer = new Producer({
    clientId: 'bench-ledger-test',
    ...clientOf(bootstrap),
    compression: 'lz4',
  });
  try {
    for (let from = 0; from < messages.length; from += 500) {
      await producer.send({
        messages: messages.slice(from, from + 500).map(({ topic, key, value, headers = {} }) => ({
          topic,
          key,
          value,
          headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
        })),
      });
    }
  } finally {
    await producer.close();
  }
}

/** Inserts records as the speed job would: fields typed, objects as their text. */
export async function insert(client: ClickHouseClient, records: readonly GeneratedRecord[]): Promise<void> {
  const now = new Date().toISOString();
  for (const topic of ['user_events', 'transactions'] as const) {
    const rows = records
      .filter((record) => record.topic === topic)
      .map(({ value }) => {
        const text = value.toString();
        const fields = JSON.parse(text);
        const at = text.indexOf('"properties":');
        const raw = topic === 'user_events' ? { properties: text.slice(at + '"properties":'.length, -1) } : {};
        return JSON.stringify({ ...fields, ...raw, user_tier: 'gold', processing_time: now });
      });
    if (rows.length === 0) continue;
    await client.command(
      `INSERT INTO lambda.${topic}_realtime SETTINGS date_time_input_format = 'best_effort' FORMAT JSONEachRow\n${rows.join('\n')}`,
    );
  }
}
