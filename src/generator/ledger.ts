import type { RecordKind } from './bad-data.ts';
import type { EventType } from './entities.ts';
import { Generator, type GeneratorOptions } from './generator.ts';
import { IdStream, Ids } from './ids.ts';

/** One record of a run, told again. */
export interface LedgerEntry {
  /** Number of the record on user_events, from 0. */
  position: number;
  /** A bad record's is the id it would have carried: it may be missing from, or unreadable in, the record itself. */
  eventId: string;
  eventType: EventType;
  kind: RecordKind;
  /** Time of the event, ms since 1970 with fractions; records carry whole milliseconds. */
  timestampMs: number;
  /** Of purchases, not of their duplicates: the record that went to transactions; present even if the event is bad. */
  transactionId?: string;
}

/**
 * Tells what a run with these options sent, or would send, without storing or rendering anything.
 * @param limit records of a run that was cut short. `count` must stay as the run had it: how far re-sends lie behind their
 *   originals depends on it
 */
export function* ledger(options: GeneratorOptions, limit = Number.POSITIVE_INFINITY): IterableIterator<LedgerEntry> {
  const generator = new Generator(options, 'recount');
  const eventIds = new Ids(options.seed, IdStream.event);
  const transactionIds = new Ids(options.seed, IdStream.transaction);
  while (generator.position + 1 < limit && generator.next()) {
    const { position, eventNumber, eventType, kind, timestampMs } = generator;
    const entry: LedgerEntry = { position, eventId: eventIds.text(eventNumber), eventType, kind, timestampMs };
    if (generator.hasTransaction) entry.transactionId = transactionIds.text(eventNumber);
    yield entry;
  }
}
