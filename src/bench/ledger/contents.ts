import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { Generator, type GeneratorOptions, type StreamName } from '../../generator/generator.ts';
import { recordRoom } from '../../generator/render.ts';
import type { ComparedColumn } from '../../reconcile/entities.ts';
import { readId, valueKey } from './record-reader.ts';
import { rowDigest } from './row-text.ts';

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

/** Renders the run and takes the checksum of every record. @throws the signal's reason */
export async function recordContents(source: RenderSource, signal?: AbortSignal): Promise<RecordContents> {
  const digests = { user_events: new Int32Array(source.events), transactions: new Int32Array(source.events) };
  const anonymous = new Map<string, number>();
  const buffer = Buffer.alloc(2 * recordRoom);
  await render(source, signal, (generator) => {
    const { eventNumber } = generator;
    if (generator.hasTransaction) {
      const value = buffer.subarray(0, generator.writeTransaction(buffer, 0));
      digests.transactions[eventNumber] = crc32(value);
    }
    const value = buffer.subarray(0, generator.writeEvent(buffer, 0));
    digests.user_events[eventNumber] = crc32(value);
    if (generator.kind !== 'valid' && !readId('user_events', value)) anonymous.set(valueKey(value), eventNumber);
  });
  return { digests, anonymous };
}

/** Renders the run and takes the digest of every valid record's canonical row. @throws the signal's reason */
export async function rowContents(
  source: RenderSource,
  stream: StreamName,
  columns: readonly ComparedColumn[],
  signal?: AbortSignal,
): Promise<Int32Array> {
  const digests = new Int32Array(source.events);
  const digest = rowDigest(columns);
  const buffer = Buffer.alloc(2 * recordRoom);
  const sales = stream === 'transactions';
  await render(source, signal, (generator) => {
    if (sales ? !generator.hasTransaction : generator.kind !== 'valid') return;
    const end = sales ? generator.writeTransaction(buffer, 0) : generator.writeEvent(buffer, 0);
    digests[generator.eventNumber] = digest(buffer.toString('utf8', 0, end));
  });
  return digests;
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
