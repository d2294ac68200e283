import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { StreamName } from '../../generator/generator.ts';
import { type Ids, readUuid, uuidLength } from '../../generator/ids.ts';
import type { HopCount } from './hop-count.ts';

/** How the generator's records of a stream begin; the id follows. */
const starts: Record<StreamName, Buffer> = {
  user_events: Buffer.from('{"event_id":"'),
  transactions: Buffer.from('{"transaction_id":"'),
};
const idFields: Record<StreamName, string> = { user_events: 'event_id', transactions: 'transaction_id' };

const scratch = new Uint8Array(16);

/** The value begins as the generator's records do, with an id, which then is in `target`. */
export function readId(stream: StreamName, value: Uint8Array, target = scratch): boolean {
  const start = starts[stream];
  if (value.length < start.length + uuidLength) return false;
  return start.compare(value, 0, start.length) === 0 && readUuid(value, start.length, target);
}

/** Identifies a value by all its bytes, for the few that nothing else identifies. */
export const valueKey = (value: Uint8Array): string => hash('md5', value, 'base64');

/** Tells which event the value of a Kafka record is of, and has it counted. */
export class RecordReader {
  private readonly stream: StreamName;
  private readonly ids: Ids;
  private readonly anonymous: ReadonlyMap<string, number>;
  private readonly id = new Uint8Array(16);

  /** @param anonymous event numbers of bad records that do not tell their id, by valueKey */
  constructor(stream: StreamName, ids: Ids, anonymous: ReadonlyMap<string, number>) {
    this.stream = stream;
    this.ids = ids;
    this.anonymous = anonymous;
  }

  /**
   * Counts one record by id and, byte for byte, content.
   * @param where names the record if it has no id
   */
  see(count: HopCount, value: Uint8Array, where: () => string): void {
    const number = this.eventOf(value);
    if (number >= 0) count.seeEvent(number, crc32(value) | 0);
    else count.seeAlien(() => this.statedId(value) ?? where());
  }

  /** Number of the event, -1 of a record that is none of the run's. */
  private eventOf(value: Uint8Array): number {
    if (readId(this.stream, value, this.id)) return this.ids.counterOf(this.id, 0);
    const anonymous = this.anonymous.get(valueKey(value));
    if (anonymous !== undefined) return anonymous;
    // Written by somebody else's JSON: the id is what counts, the content differs in any case.
    const stated = Buffer.from(this.statedId(value) ?? '', 'latin1');
    return readUuid(stated, 0, this.id) && stated.length === uuidLength ? this.ids.counterOf(this.id, 0) : -1;
  }

  private statedId(value: Uint8Array): string | undefined {
    try {
      const record: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
      const id = record === null ? undefined : Object(record)[idFields[this.stream]];
      return typeof id === 'string' ? id : undefined;
    } catch {
      return undefined;
    }
  }
}
