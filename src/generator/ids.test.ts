import { describe, expect, it } from 'vitest';
import { IdStream, Ids, readUuid } from './ids.ts';
import { mix32, Random, unmix32 } from './random.ts';

const bytesOf = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex');

describe('the counter of an id', () => {
  it('is told from all its words', () => {
    const random = new Random(99);
    for (let round = 0; round < 2000; round++) {
      const seed = random.next() * 2 ** 21 + random.below(2 ** 21);
      const ids = new Ids(seed, IdStream.event);
      for (const counter of [0, 1, random.next(), 2 ** 31, 2 ** 32 - 1]) {
        const bytes = bytesOf(ids.text(counter));
        expect(ids.counterOf(bytes, 0)).toBe(counter);
        expect(new Ids(seed, IdStream.transaction).counterOf(bytes, 0)).toBe(-1);
        expect(new Ids(seed + 1, IdStream.event).counterOf(bytes, 0)).toBe(-1);
      }
    }
  });

  it('is none when a single bit differs', () => {
    const ids = new Ids(5, IdStream.event);
    const bytes = Buffer.concat([Buffer.alloc(3), bytesOf(ids.text(123_456))]);
    expect(ids.counterOf(bytes, 3)).toBe(123_456);
    for (let bit = 0; bit < 128; bit++) {
      const at = 3 + (bit >> 3);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      expect(ids.counterOf(bytes, 3)).toBe(-1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    }
  });

  it('is none beyond 32 bits', () => {
    const ids = new Ids(5, IdStream.event);
    expect(ids.counterOf(bytesOf(ids.text(2 ** 32 + 9)), 0)).toBe(-1);
  });
});

it('undoes the mixer', () => {
  const random = new Random(3);
  for (const x of [0, 1, -1, 0x7fffffff, -0x80000000, ...Array.from({ length: 5000 }, () => random.next() | 0)]) {
    expect(unmix32(mix32(x))).toBe(x);
  }
});

describe('the text of a UUID', () => {
  const target = new Uint8Array(16);
  const text = 'ce145344-be46-4d2d-926e-72C13D625DC8';

  it('is read in either case', () => {
    expect(readUuid(Buffer.from(`__${text}`), 2, target)).toBe(true);
    expect(Buffer.from(target)).toEqual(bytesOf(text));
  });

  it.each([
    text.slice(1),
    text.replace('-', '0'),
    text.replace('b', 'g'),
    text.replace('c', ' '),
    `{${text.slice(0, -1)}`,
    '',
  ])('is not %j', (other) => {
    expect(readUuid(Buffer.from(other, 'latin1'), 0, target)).toBe(false);
  });
});
