import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';

/** One record at a time, the same object for all: what is to be kept is copied out. */
export class RecordCursor {
  topic = '';
  partition = -1;
  offset = -1;
  /** The bytes are those of the batch: they hold until the visit returns. */
  value: Buffer | null = null;
  key: Buffer | null = null;
  private bytes: Buffer = Buffer.alloc(0);
  private position = 0;
  private headersAt = 0;

  /** Name → text; of a name that comes twice the last. */
  headers(): Map<string, string> {
    const headers = new Map<string, string>();
    this.position = this.headersAt;
    for (let left = this.varint(); left > 0; left--) {
      const name = this.slice()?.toString('utf8') ?? '';
      headers.set(name, this.slice()?.toString('utf8') ?? '');
    }
    return headers;
  }

  /**
   * Calls `visit` for the records of a batch's body with an offset of `from` … `to` - 1.
   * Format: kafka.apache.org/documentation/#record.
   */
  walk(body: Buffer, batch: Batch, from: number, to: number, visit: (record: RecordCursor) => void): void {
    this.bytes = body;
    this.position = 0;
    for (let i = 0; i < batch.records; i++) {
      const length = this.varint();
      const end = this.position + length;
      this.position++; // attributes
      this.skipVarint(); // timestamp: 64 bits
      this.offset = batch.baseOffset + this.varint();
      this.key = this.slice();
      this.value = this.slice();
      this.headersAt = this.position;
      if (this.offset >= from && this.offset < to) visit(this);
      this.position = end;
    }
  }

  /** Bytes behind their length; null for a length of -1. */
  private slice(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }

  /** Zigzag, 32 bits. */
  private varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.position++] ?? 0;
      value |= (byte & 127) << shift;
      if (byte < 128) return (value >>> 1) ^ -(value & 1);
    }
  }

  private skipVarint(): void {
    while ((this.bytes[this.position++] ?? 0) > 127);
  }
}

export interface Batch {
  baseOffset: number;
  /** Behind the batch's last record, which compaction may have taken away. */
  nextOffset: number;
  records: number;
}

const codecBits = 7;
const controlBit = 32;
/** Up to and with the field that holds the length of the rest. */
const lengthEnd = 12;
const headerSize = 61;

/**
 * Reads the whole batches at the start of a fetch answer's records; one that is cut off at the end is left out.
 * Format: kafka.apache.org/documentation/#recordbatch.
 * @param each told every batch and its body, uncompressed; null for a control batch, which holds no records
 * @throws Error on another format than 2, which no broker of the last years writes
 */
export function readBatches(records: Buffer, each: (batch: Batch, body: Buffer | null) => void): void {
  let start = 0;
  while (start + headerSize <= records.length) {
    const end = start + lengthEnd + records.readInt32BE(start + 8);
    if (end > records.length) return;
    const magic = records.readInt8(start + 16);
    if (magic !== 2) throw new Error(`A record batch of format ${magic}.`);
    const attributes = records.readInt16BE(start + 21);
    const baseOffset = Number(records.readBigInt64BE(start));
    const nextOffset = baseOffset + records.readInt32BE(start + 23) + 1;
    const batch = { baseOffset, nextOffset, records: records.readInt32BE(start + 57) };
    const body = records.subarray(start + headerSize, end);
    each(batch, (attributes & controlBit) === 0 ? decompressed(body, attributes & codecBits) : null);
    start = end;
  }
}

function decompressed(body: Buffer, codec: number): Buffer {
  if (codec === 0) return body;
  const algorithms: Record<number, { decompressSync(data: Buffer): Buffer }> = compressionsAlgorithmsByBitmask;
  const algorithm = algorithms[codec];
  if (algorithm === undefined) throw new Error(`A record batch with unknown compression ${codec}.`);
  return algorithm.decompressSync(body);
}
