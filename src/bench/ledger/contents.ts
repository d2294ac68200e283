import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { Generator, type GeneratorOptions, type StreamName } from '../../generator/generator.ts';
import { recordRoom } from '../../generator/render.ts';
import type { ComparedColumn } from '../../reconcile/entities.ts';
import { readId, valueKey } from './record-reader.ts';
import { RowDigester } from './row-digest.ts';

/** A run, to be rendered again. */
export interface RenderSource {
  engine: GeneratorOptions;
  /** Records on user_events. */
  generated: number;
  /** Distinct events in them. */
  events: number;
}

/** What identifies the contents of a run's records. */
export interface RecordContents {
  /** CRC-32 of each value, signed, by event number. */
  digests: Record<StreamName, Int32Array>;
  /** Bad records that do not tell their id: digest of the value (valueKey) → event number. */
  anonymous: ReadonlyMap<string, number>;
}

export type RowColumns = Partial<Record<StreamName, readonly ComparedColumn[]>>;

export interface Contents {
  records: RecordContents;
  /** Last 32 bits of the MD5 of each canonical row, signed, by event number; of the streams asked for. */
  rows: Partial<Record<StreamName, Int32Array>>;
}

/** Renders the run and takes the digests of every record and, of the streams with columns, of every valid row. @throws the signal's reason */
export async function contentsOf(source: RenderSource, columns: RowColumns, signal?: AbortSignal): Promise<Contents> {
  const records = { user_events: new Int32Array(source.events), transactions: new Int32Array(source.events) };
  const anonymous = new Map<string, number>();
  const events = rowTaker(source, columns.user_events);
  const transactions = rowTaker(source, columns.transactions);
  const buffer = Buffer.alloc(2 * recordRoom);
  await render(source, signal, (generator) => {
    const { eventNumber, kind } = generator;
    if (generator.hasTransaction) {
      const size = generator.writeTransaction(buffer, 0);
      records.transactions[eventNumber] = crc32(buffer.subarray(0, size));
      transactions?.take(eventNumber, buffer, size);
    }
    const size = generator.writeEvent(buffer, 0);
    const value = buffer.subarray(0, size);
    records.user_events[eventNumber] = crc32(value);
    if (kind === 'valid') events?.take(eventNumber, buffer, size);
    else if (!readId('user_events', value)) anonymous.set(valueKey(value), eventNumber);
  });
  return {
    records: { digests: records, anonymous },
    rows: {
      ...(events === undefined ? {} : { user_events: events.digests }),
      ...(transactions === undefined ? {} : { transactions: transactions.digests }),
    },
  };
}

/** Renders the run and takes the digest of every valid row of one stream. @throws the signal's reason */
export async function rowContents(
  source: RenderSource,
  stream: StreamName,
  columns: readonly ComparedColumn[],
  signal?: AbortSignal,
): Promise<Int32Array> {
  const rows = rowTaker(source, columns);
  const buffer = Buffer.alloc(2 * recordRoom);
  const sales = stream === 'transactions';
  await render(source, signal, (generator) => {
    if (sales ? !generator.hasTransaction : generator.kind !== 'valid') return;
    const size = sales ? generator.writeTransaction(buffer, 0) : generator.writeEvent(buffer, 0);
    rows?.take(generator.eventNumber, buffer, size);
  });
  return rows?.digests ?? new Int32Array(0);
}

function rowTaker({ events }: RenderSource, columns: readonly ComparedColumn[] | undefined) {
  if (columns === undefined) return undefined;
  const digester = new RowDigester(columns);
  const digests = new Int32Array(events);
  const take = (number: number, record: Buffer, size: number) => {
    digests[number] = digester.digest(record, size);
  };
  return { digests, take };
}

/** Records between two turns of the event loop. */
const recordsATurn = 5000;

/** Calls `visit` at every record but exact re-sends. */
async function render(
  { engine, generated }: RenderSource,
  signal: AbortSignal | undefined,
  visit: (generator: Generator) => void,
): Promise<void> {
  const generator = new Generator(engine);
  while (generator.position + 1 < generated && generator.next()) {
    if (generator.position % recordsATurn === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    if (generator.kind !== 'duplicate') visit(generator);
  }
}
