import { hash } from 'node:crypto';
import { at } from '../../generator/random.ts';
import { recordRoom } from '../../generator/render.ts';
import { writeBytes, writeInteger } from '../../generator/text.ts';
import type { ComparedColumn } from '../../reconcile/entities.ts';
import { rowText } from './row-text.ts';

const quote = 34;
const comma = 44;
const backslash = 92;
const openBrace = 123;
const letterN = 110;
const bar = 124;
const colon = 58;
const tilde = 126;
const uuidLength = 36;
const timeLength = 24;
/** Where the milliseconds of "2026-01-31T09:30:00.123Z" begin. */
const fractionAt = 20;
const zero = 48;

/**
 * Computes digests of canonical rows (rowText) straight from the bytes of the generator's records: no string is built, which makes it
 * four times as fast, and it runs once for every event of a run. Records with escapes, and whatever else is out of the ordinary,
 * take the way over rowText.
 */
export class RowDigester {
  private readonly columns: readonly ComparedColumn[];
  /** Hash of a column's name → its position. */
  private readonly places: ReadonlyMap<number, number>;
  /** By position: where the value lies in the record, and how many characters it has; -1 for none. */
  private readonly begins: Int32Array;
  private readonly ends: Int32Array;
  private readonly lengths: Int32Array;
  private readonly row = Buffer.alloc(2 * recordRoom);
  private readonly second = Buffer.alloc(fractionAt);
  private secondMs = 0;
  /** The end of the string that was read last, and its characters. */
  private end = 0;
  private characters = 0;

  constructor(columns: readonly ComparedColumn[]) {
    this.columns = columns;
    this.places = new Map(columns.map(({ name }, place) => [nameHash(Buffer.from(name), 0, name.length), place]));
    this.begins = new Int32Array(columns.length);
    this.ends = new Int32Array(columns.length);
    this.lengths = new Int32Array(columns.length);
  }

  /** @returns last 32 bits of the row's MD5, signed, of the record in the first `size` bytes */
  digest(record: Buffer, size: number): number {
    const end = this.takeApart(record, size) ? this.writeRow(record) : -1;
    const row = end < 0 ? rowText(this.columns, record.toString('utf8', 0, size)) : this.row.subarray(0, end);
    // A character a byte: of the encodings the cheapest.
    const digest = hash('md5', row, 'binary');
    return (
      (digest.charCodeAt(12) << 24) |
      (digest.charCodeAt(13) << 16) |
      (digest.charCodeAt(14) << 8) |
      digest.charCodeAt(15)
    );
  }

  /** Finds the values of a flat object. @returns false when it has escapes */
  private takeApart(record: Buffer, size: number): boolean {
    this.begins.fill(-1);
    let position = 1;
    while (position < size) {
      if (!this.readString(record, position + 1)) return false;
      const place = this.places.get(nameHash(record, position + 1, this.end)) ?? -1;
      const start = this.end + 2;
      const first = at(record, start);
      if (first === quote) {
        if (!this.readString(record, start + 1)) return false;
        this.keep(place, start + 1, this.end);
        position = this.end + 2;
      } else if (first === openBrace) {
        if (!this.readObject(record, start, size - 1)) return false;
        this.keep(place, start, this.end);
        position = size;
      } else {
        this.end = start;
        while (this.end < size - 1 && at(record, this.end) !== comma) this.end++;
        this.characters = this.end - start;
        if (first !== letterN) this.keep(place, start, this.end); // null
        position = this.end + 1;
      }
    }
    return true;
  }

  private keep(place: number, begin: number, end: number): void {
    if (place < 0) return;
    this.begins[place] = begin;
    this.ends[place] = end;
    this.lengths[place] = this.characters;
  }

  private readString(record: Buffer, start: number): boolean {
    let continued = 0;
    let position = start;
    for (let byte = at(record, position); byte !== quote; byte = at(record, ++position)) {
      if (byte === backslash) return false;
      // The second and later bytes of a character in UTF-8.
      if ((byte & 0xc0) === 0x80) continued++;
    }
    this.end = position;
    this.characters = position - start - continued;
    return true;
  }

  private readObject(record: Buffer, start: number, end: number): boolean {
    let continued = 0;
    for (let position = start; position < end; position++) {
      const byte = at(record, position);
      if (byte === backslash) return false;
      if ((byte & 0xc0) === 0x80) continued++;
    }
    this.end = end;
    this.characters = end - start - continued;
    return true;
  }

  /** @returns its end, -1 when a value is out of the ordinary */
  private writeRow(record: Buffer): number {
    const { row, columns } = this;
    let position = 0;
    for (let place = 0; place < columns.length; place++) {
      if (place > 0) row[position++] = bar;
      const begin = at(this.begins, place);
      if (begin < 0) {
        row[position++] = tilde;
        continue;
      }
      position = this.writeField(record, place, position);
      if (position < 0) return -1;
    }
    return position;
  }

  private writeField(record: Buffer, place: number, position: number): number {
    const { row } = this;
    const begin = at(this.begins, place);
    const end = at(this.ends, place);
    const column = this.columns[place];
    switch (column?.kind) {
      case 'time':
        return end - begin === timeLength ? writeInteger(row, position, this.epochMs(record, begin)) : -1;
      case 'uuid':
        if (end - begin !== uuidLength) return -1;
        break;
      case 'decimal':
        if (at(record, end - 1 - column.scale) !== 46) return -1;
        break;
      case 'text':
        position = writeInteger(row, position, at(this.lengths, place));
        row[position++] = colon;
        break;
    }
    return position + record.copy(row, position, begin, end);
  }

  /** Consecutive times of the same second are not parsed again. */
  private epochMs(record: Buffer, begin: number): number {
    if (this.second.compare(record, begin, begin + fractionAt) !== 0) {
      writeBytes(this.second, 0, record.subarray(begin, begin + fractionAt));
      this.secondMs = Date.parse(`${this.second.toString('latin1', 0, fractionAt - 1)}Z`);
    }
    const digit = (index: number) => at(record, begin + fractionAt + index) - zero;
    return this.secondMs + digit(0) * 100 + digit(1) * 10 + digit(2);
  }
}

/** FNV-1a; a schema's names all differ in it, and the test says so. */
function nameHash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) value = Math.imul(value ^ at(bytes, i), 0x01000193);
  return value;
}
