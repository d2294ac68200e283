import { at, mix32, seedOf, unmix32 } from './random.ts';

/** What an id is of: every kind draws from its own stream, so that equal counters give different ids. */
export const IdStream = { event: 1, session: 2, transaction: 3, order: 4, user: 5, product: 6, history: 7 } as const;
export type IdStream = (typeof IdStream)[keyof typeof IdStream];

/** Length of a UUID in text. */
export const uuidLength = 36;

const hexDigits = '0123456789abcdef';
const high = Uint8Array.from({ length: 256 }, (_, byte) => hexDigits.charCodeAt(byte >> 4));
const low = Uint8Array.from({ length: 256 }, (_, byte) => hexDigits.charCodeAt(byte & 15));
const dash = 45;

/**
 * UUIDs computed from (seed, stream, counter): nothing is stored, and a run's ids can be told again later. They have
 * the layout of random (version 4) UUIDs. Within one stream, counters below 2^32 never collide (the first word is a
 * bijection of the counter); other seeds and streams differ in every word.
 */
export class Ids {
  private readonly k0: number;
  private readonly k1: number;
  private readonly k2: number;
  private readonly k3: number;
  private readonly scratch = Buffer.alloc(uuidLength);

  constructor(seed: number, stream: IdStream) {
    this.k0 = seedOf(seed, stream * 8);
    this.k1 = seedOf(seed, stream * 8 + 1);
    this.k2 = seedOf(seed, stream * 8 + 2);
    this.k3 = seedOf(seed, stream * 8 + 3);
  }

  /** Writes the id of `counter` as text and returns the end position. */
  write(target: Uint8Array, position: number, counter: number): number {
    const w0 = mix32((counter ^ this.k0) | 0);
    const w1 = mix32((w0 + this.k1 + Math.floor(counter / 4_294_967_296)) | 0);
    const w2 = mix32((w1 + this.k2) | 0);
    const w3 = mix32((w2 + this.k3) | 0);
    position = writeByte(target, position, w0 >>> 24);
    position = writeByte(target, position, (w0 >>> 16) & 255);
    position = writeByte(target, position, (w0 >>> 8) & 255);
    position = writeByte(target, position, w0 & 255);
    target[position++] = dash;
    position = writeByte(target, position, w1 >>> 24);
    position = writeByte(target, position, (w1 >>> 16) & 255);
    target[position++] = dash;
    position = writeByte(target, position, ((w1 >>> 8) & 0x0f) | 0x40);
    position = writeByte(target, position, w1 & 255);
    target[position++] = dash;
    position = writeByte(target, position, ((w2 >>> 24) & 0x3f) | 0x80);
    position = writeByte(target, position, (w2 >>> 16) & 255);
    target[position++] = dash;
    position = writeByte(target, position, (w2 >>> 8) & 255);
    position = writeByte(target, position, w2 & 255);
    position = writeByte(target, position, w3 >>> 24);
    position = writeByte(target, position, (w3 >>> 16) & 255);
    position = writeByte(target, position, (w3 >>> 8) & 255);
    return writeByte(target, position, w3 & 255);
  }

  /** The id of `counter`, e.g. "0b1c2d3e-4f50-4a1b-8c2d-3e4f50617283". */
  text(counter: number): string {
    this.write(this.scratch, 0, counter);
    return this.scratch.toString('latin1', 0, uuidLength);
  }

  /**
   * The counter (below 2^32) whose id the 16 bytes at `offset` are, -1 when they are no id of this seed and stream. The first
   * word tells the counter, the others that it is no coincidence: 90 bits would have to agree.
   */
  counterOf(bytes: Uint8Array, offset: number): number {
    const w0 = wordOf(bytes, offset);
    const w1 = mix32((w0 + this.k1) | 0);
    if (wordOf(bytes, offset + 4) !== ((w1 & 0xffff0fff) | 0x4000)) return -1;
    const w2 = mix32((w1 + this.k2) | 0);
    if (wordOf(bytes, offset + 8) !== ((w2 & 0x3fffffff) | 0x80000000)) return -1;
    if (wordOf(bytes, offset + 12) !== mix32((w2 + this.k3) | 0)) return -1;
    return (unmix32(w0) ^ this.k0) >>> 0;
  }
}

/** Big-endian, signed. */
function wordOf(bytes: Uint8Array, offset: number): number {
  return (
    (at(bytes, offset) << 24) | (at(bytes, offset + 1) << 16) | (at(bytes, offset + 2) << 8) | at(bytes, offset + 3)
  );
}

/** Value of an ASCII hexadecimal digit of either case; 255 for everything else. */
const nibbles = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = hexDigits.indexOf(String.fromCharCode(code).toLowerCase());
  return digit < 0 ? 255 : digit;
});
/** Where in a UUID's text the two digits of each byte begin. */
const textPositions = Uint8Array.from([0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]);

/**
 * Reads the text of a UUID (36 ASCII bytes at `position`) into 16 bytes at the start of `target`.
 * @returns false when it is none; `target` is then undefined
 */
export function readUuid(text: Uint8Array, position: number, target: Uint8Array): boolean {
  if (text.length < position + uuidLength) return false;
  for (let i = 8; i <= 23; i += 5) if (text[position + i] !== dash) return false;
  for (let i = 0; i < 16; i++) {
    const digit = position + at(textPositions, i);
    const upper = at(nibbles, at(text, digit));
    const lower = at(nibbles, at(text, digit + 1));
    if ((upper | lower) > 15) return false;
    target[i] = (upper << 4) | lower;
  }
  return true;
}

function writeByte(target: Uint8Array, position: number, byte: number): number {
  target[position] = at(high, byte);
  target[position + 1] = at(low, byte);
  return position + 2;
}
