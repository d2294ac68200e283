/** Deterministic randomness: integer hashes, a small fast generator and O(1) weighted picks. Not for secrets. */

const twoTo32 = 4_294_967_296;

/** Bijective 32-bit mixer with low bias ("lowbias32" of C. Wellons' hash prospector): distinct inputs stay distinct. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) | 0;
}

/** a⁻¹ modulo 2^32 of an odd number: Newton's iteration doubles the bits that are right, of which three are to begin with. */
function inverseOf(a: number): number {
  let x = a;
  for (let bits = 3; bits < 32; bits *= 2) x = Math.imul(x, 2 - Math.imul(a, x));
  return x;
}
const undoFirst = inverseOf(0x21f0aaad);
const undoSecond = inverseOf(0x735a2d97);

/** Undoes mix32: unmix32(mix32(x)) === x for every 32-bit integer. */
export function unmix32(x: number): number {
  x = Math.imul(x ^ (x >>> 15) ^ (x >>> 30), undoSecond);
  x = Math.imul(x ^ (x >>> 15) ^ (x >>> 30), undoFirst);
  return (x ^ (x >>> 16)) | 0;
}

/** Hash of two 32-bit integers, as a signed 32-bit integer. */
export function hash32(a: number, b: number): number {
  return mix32((mix32(a) + Math.imul(b, 0x9e3779b9)) | 0);
}

/** Folds a seed of up to 53 bits and a stream number into 32 bits, so that streams of one seed are independent. */
export function seedOf(seed: number, stream: number): number {
  return hash32(hash32(seed | 0, Math.floor(seed / twoTo32) | 0), stream);
}

/** Chris Doty-Humphrey's sfc32 (128 bits of state, passes PractRand). */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 0;

  constructor(seed: number) {
    this.reseed(seed);
  }

  /** Starts the sequence of another seed; what was drawn before no longer matters. */
  reseed(seed: number): void {
    this.a = mix32((seed + 1) | 0);
    this.b = mix32((this.a + 2) | 0);
    this.c = mix32((this.b + 3) | 0);
    this.counter = 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** The next 32 bits, 0 … 2^32 - 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 … n - 1, evenly; n below 2^21 keeps the bias under 2^-11. */
  below(n: number): number {
    return Math.floor((this.next() * n) / twoTo32);
  }

  /** 0 ≤ x < 1. */
  unit(): number {
    return this.next() / twoTo32;
  }
}

/** Walker's alias method (Vose 1991): one draw, one comparison, whatever the number of weights. */
export class AliasTable {
  private readonly keep: Float64Array;
  private readonly alias: Int32Array;
  private readonly size: number;

  /** @param weights not negative, at least one above 0 */
  constructor(weights: ArrayLike<number>) {
    this.size = weights.length;
    this.keep = new Float64Array(this.size).fill(1);
    this.alias = new Int32Array(this.size);
    const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0);
    const scaled = Float64Array.from(weights, (weight) => (weight * this.size) / total);
    const small: number[] = [];
    const large: number[] = [];
    scaled.forEach((value, i) => {
      (value < 1 ? small : large).push(i);
      this.alias[i] = i;
    });
    for (;;) {
      const less = small.pop();
      const more = large.pop();
      if (less === undefined || more === undefined) break;
      const kept = scaled[less] ?? 1;
      this.keep[less] = kept;
      this.alias[less] = more;
      const left = (scaled[more] ?? 0) + kept - 1;
      scaled[more] = left;
      (left < 1 ? small : large).push(more);
    }
  }

  /** Index of a weight, drawn in proportion to it. */
  pick(random: Random): number {
    const position = (random.next() * this.size) / twoTo32;
    const i = Math.floor(position);
    return position - i < at(this.keep, i) ? i : at(this.alias, i);
  }
}

/** Element of a typed array that is known to be in bounds; typed arrays hold numbers, so there is no undefined to handle. */
export function at(array: Uint8Array | Int32Array | Float64Array, index: number): number {
  return array[index] as number; // in bounds by the caller's word: a check here would sit on the hottest path
}
