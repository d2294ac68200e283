/** ASCII written straight into bytes; every function returns the end position. */

const zero = 48;
const point = 46;

/** Copies ready-made bytes; a TypedArray.set costs the same for 10 as for 200 bytes. */
export function writeBytes(target: Uint8Array, position: number, bytes: Uint8Array): number {
  target.set(bytes, position);
  return position + bytes.length;
}

/** Decimal digits of an integer of 0 … 2^53 - 1. */
export function writeInteger(target: Uint8Array, position: number, value: number): number {
  let end = position + 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++;
  for (let i = end - 1; i >= position; i--) {
    const tenth = Math.floor(value / 10);
    target[i] = zero + value - tenth * 10;
    value = tenth;
  }
  return end;
}

/** Cents as a decimal with two places, e.g. 1230 → 12.30. */
export function writeCents(target: Uint8Array, position: number, cents: number): number {
  const units = Math.floor(cents / 100);
  const rest = cents - units * 100;
  position = writeInteger(target, position, units);
  target[position] = point;
  target[position + 1] = zero + Math.floor(rest / 10);
  target[position + 2] = zero + (rest % 10);
  return position + 3;
}

const timestampLength = 24;

/** Writes instants as "2026-01-31T09:30:00.123Z"; consecutive ones of the same second cost three digits. */
export class TimestampWriter {
  private second = Number.NaN;
  private readonly text = Buffer.alloc(timestampLength);

  /** @param timestampMs since 1970; fractions of a millisecond are cut off */
  write(target: Uint8Array, position: number, timestampMs: number): number {
    const second = Math.floor(timestampMs / 1000);
    if (second !== this.second) {
      this.second = second;
      this.text.write(new Date(second * 1000).toISOString(), 'latin1');
    }
    const millisecond = Math.floor(timestampMs - second * 1000);
    const tens = Math.floor(millisecond / 10);
    const hundreds = Math.floor(millisecond / 100);
    target.set(this.text, position);
    target[position + 20] = zero + hundreds;
    target[position + 21] = zero + tens - hundreds * 10;
    target[position + 22] = zero + millisecond - tens * 10;
    return position + timestampLength;
  }
}
