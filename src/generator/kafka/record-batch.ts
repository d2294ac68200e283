import { constants, zstdCompressSync } from 'node:zlib';
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka';
import type { Generator } from '../generator.ts';
import { recordRoom } from '../render.ts';

export const compressions = ['lz4', 'snappy', 'zstd', 'none'] as const;
export type Compression = (typeof compressions)[number];

/** Attribute bits and compressor. zstd at level 1 through Node's own zlib costs less than lz4 in WebAssembly and sends half the bytes. */
const codecs: Record<Compression, { bits: number; compress: (data: Buffer) => Buffer }> = {
  none: { bits: 0, compress: (data) => data },
  snappy: { bits: 2, compress: (data) => compressionsAlgorithms.snappy.compressSync(data) },
  lz4: { bits: 3, compress: (data) => compressionsAlgorithms.lz4.compressSync(data) },
  zstd: {
    bits: 4,
    compress: (data) => zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  },
};

/** Uncompressed size of a batch; below Kafka's default message.max.bytes (1 MiB) even where nothing compresses. */
const batchBytes = 512 * 1024;
/** Header of a record batch of magic 2, up to the first record. */
const headerSize = 61;
/** Bytes that are not part of "batch length": base offset and the length itself. */
const lengthOffset = 12;
/** The CRC covers everything from the attributes on. */
const attributesOffset = 21;

/** Who writes: a batch with an identity and a sequence number is appended once, however often it is sent. */
export interface ProducerIdentity {
  id: bigint;
  epoch: number;
}

/** A finished batch, as it goes over the wire. */
export interface SealedBatch {
  bytes: Buffer;
  records: number;
  /** Of keys and values, uncompressed. */
  payloadBytes: number;
  /** Event times, ms since 1970: of the first record, and the highest. */
  firstMs: number;
  lastMs: number;
}

/**
 * Collects records of one partition in Kafka's record-batch format 2, written straight from the generator: no record
 * object is made and no value is copied. Format: kafka.apache.org/documentation/#recordbatch.
 */
export class RecordBatchBuilder {
  records = 0;
  private readonly buffer = Buffer.allocUnsafe(batchBytes);
  private output = Buffer.alloc(0);
  private position = 0;
  private payloadBytes = 0;
  private baseTimestamp = 0;
  private maxTimestamp = 0;

  /** Takes at least one more record. */
  get hasRoom(): boolean {
    return this.position < batchBytes - 3 * recordRoom;
  }

  /** Appends the generator's event, or its transaction. Returns the bytes of key and value. */
  append(generator: Generator, transaction: boolean): void {
    const { buffer } = this;
    const timestamp = Math.floor(generator.timestampMs);
    if (this.records === 0) {
      this.baseTimestamp = timestamp;
      this.maxTimestamp = timestamp;
    } else if (timestamp > this.maxTimestamp) {
      this.maxTimestamp = timestamp;
    }
    // Both lengths lie between 64 and 8191 bytes, whose variable-length form is two bytes: their place can be kept free.
    const start = this.position + 2;
    buffer[start] = 0; // attributes
    let position = writeVarint(buffer, start + 1, timestamp - this.baseTimestamp);
    position = writeVarint(buffer, position, this.records);
    const key = position + 1;
    position = generator.writeKey(buffer, key);
    buffer[key - 1] = (position - key) << 1;
    const value = position + 2;
    position = transaction ? generator.writeTransaction(buffer, value) : generator.writeEvent(buffer, value);
    writeVarint(buffer, value - 2, position - value);
    this.payloadBytes += position - value + (value - 2 - key);
    buffer[position++] = 0; // headers
    writeVarint(buffer, start - 2, position - start);
    this.position = position;
    this.records++;
  }

  /** Compresses what was appended and starts an empty batch. What this returned the last time is overwritten. */
  seal(compression: Compression): SealedBatch {
    const codec = codecs[compression];
    const body = codec.compress(this.buffer.subarray(0, this.position));
    // Kept from batch to batch, with some reserve: fresh buffers of this size would keep the garbage collector busy.
    const size = headerSize + body.length;
    if (this.output.length < size) this.output = Buffer.allocUnsafe(Math.ceil(size * 1.25));
    const bytes = this.output.subarray(0, size);
    bytes.writeBigInt64BE(0n, 0); // base offset, set by the broker
    bytes.writeInt32BE(bytes.length - lengthOffset, 8);
    bytes.writeInt32BE(-1, 12); // partition leader epoch, set by the broker
    bytes.writeInt8(2, 16); // magic
    bytes.writeInt16BE(codec.bits, attributesOffset);
    bytes.writeInt32BE(this.records - 1, 23);
    bytes.writeBigInt64BE(BigInt(this.baseTimestamp), 27);
    bytes.writeBigInt64BE(BigInt(this.maxTimestamp), 35);
    bytes.writeInt32BE(this.records, 57);
    bytes.set(body, headerSize);
    const { records, payloadBytes, baseTimestamp: firstMs, maxTimestamp: lastMs } = this;
    const sealed = { bytes, records, payloadBytes, firstMs, lastMs };
    this.position = 0;
    this.records = 0;
    this.payloadBytes = 0;
    return sealed;
  }
}

/** Puts the writer's identity and sequence number into a batch, and the checksum that follows from them. */
export function stamp(batch: SealedBatch, identity: ProducerIdentity, sequence: number): void {
  const { bytes } = batch;
  bytes.writeBigInt64BE(identity.id, 43);
  bytes.writeInt16BE(identity.epoch, 51);
  bytes.writeInt32BE(sequence, 53);
  bytes.writeUInt32BE(crc32c(bytes.subarray(attributesOffset)), 17);
}

/** Zigzag variable-length integer, |value| < 2^30. */
function writeVarint(target: Buffer, position: number, value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  while (rest > 127) {
    target[position++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[position++] = rest;
  return position;
}
