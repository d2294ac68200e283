import type { HopLedger } from '../../core/bench-report.ts';
import { type Ids, readUuid, uuidLength } from '../../generator/ids.ts';
import { at } from '../../generator/random.ts';

/** Defects named by id, of each kind. */
export const examplesAKind = 10;

type Defect = HopLedger['examples'][number]['kind'];

/** What a hop must hold, by event number. */
export interface HopPlan {
  /** Of the ids that the hop's records carry. */
  ids: Ids;
  /** Copies that must be there, 0 … 254; 0 of an event that must not. Owned by the count from then on. */
  copies: Uint8Array;
  /** Last 32 bits of what identifies the content; undefined where the hop holds no whole records. */
  digests: Int32Array | undefined;
}

export interface SeenDigest {
  bytes: Uint8Array;
  /** Of 8 bytes, big-endian. */
  offset: number;
}

/** Names a hop in the report. */
export interface HopName {
  /** kafka, clickhouse, lake, … */
  hop: string;
  /** Topic, table or view. */
  store: string;
  /** How it was counted. */
  method: string;
}

/**
 * Counts the records of one hop by id. No id is stored: an id tells its event number, so a byte a number is enough, and
 * a record costs some tens of nanoseconds.
 */
export class HopCount {
  private readonly plan: HopPlan;
  private readonly seen: Uint8Array;
  private readonly examples: Record<Exclude<Defect, 'lost'>, string[]> = { doubled: [], alien: [], altered: [] };
  private readonly scratch = new Uint8Array(24);
  private found = 0;
  private doubled = 0;
  private alien = 0;
  private altered = 0;

  constructor(plan: HopPlan) {
    this.plan = plan;
    this.seen = new Uint8Array(plan.copies.length);
  }

  /**
   * Counts one record.
   * @param bytes id at `offset`: 16 bytes, big-endian as in its text
   * @param digest last 64 bits of the MD5 of the canonical row (src/reconcile/statements.ts), if the hop has contents
   */
  see(bytes: Uint8Array, offset: number, digest?: SeenDigest): void {
    const number = this.plan.ids.counterOf(bytes, offset);
    if (number < 0) this.seeAlien(() => uuidText(bytes, offset));
    else this.seeEvent(number, digest === undefined ? undefined : lowWord(digest.bytes, digest.offset + 4));
  }

  /**
   * As `see`, of an id as text in either case; whatever is no UUID is alien.
   * @param digestHex hexadecimal MD5, or the last digits of it, 16 at least
   */
  seeText(id: string, digestHex?: string): void {
    const { scratch } = this;
    const isUuid = id.length === uuidLength && readUuid(Buffer.from(id, 'latin1'), 0, scratch);
    if (!isUuid) {
      this.seeAlien(() => id);
      return;
    }
    if (digestHex === undefined) {
      this.see(scratch, 0);
      return;
    }
    // An unreadable digest is none that was sent: it leaves zeros, as good as any wrong number.
    scratch.fill(0, 16);
    scratch.set(Buffer.from(digestHex.slice(-16), 'hex').subarray(0, 8), 16);
    this.see(scratch, 0, { bytes: scratch, offset: 16 });
  }

  /**
   * Counts a record of an event whose number is known already.
   * @param digest last 32 bits of the content's digest, signed
   */
  seeEvent(number: number, digest?: number): void {
    const { copies, digests } = this.plan;
    // A number beyond the run, or of an event that must not be here, is no record of this hop.
    const wanted = copies[number] ?? 0;
    if (wanted === 0) {
      this.seeAlien(() => this.idOf(number));
      return;
    }
    this.found++;
    const before = at(this.seen, number);
    if (before >= wanted) {
      this.doubled++;
      this.note('doubled', () => this.idOf(number));
    }
    // Stops counting at 255: from `wanted` on only "enough" matters.
    if (before < 255) this.seen[number] = before + 1;
    if (digests !== undefined && digest !== at(digests, number)) {
      this.altered++;
      this.note('altered', () => this.idOf(number));
    }
  }

  /** Counts a record that the run never made. @param label its id, or what is known of it */
  seeAlien(label: () => string): void {
    this.alien++;
    this.note('alien', label);
  }

  /** The id is one that must be in this hop. */
  knows(bytes: Uint8Array, offset: number): boolean {
    const number = this.plan.ids.counterOf(bytes, offset);
    return number >= 0 && number < this.plan.copies.length;
  }

  /**
   * Takes copies that are missing off what must be here, the newest events first: for records that the generator reported as
   * given up, some of which may have arrived all the same.
   * @param limit copies at most
   * @param onAbsent told each event of which no copy is here
   * @returns copies taken off
   */
  excuse(limit: number, onAbsent: (number: number) => void): number {
    const { copies } = this.plan;
    let left = limit;
    for (let number = copies.length - 1; number >= 0 && left > 0; number--) {
      const missing = Math.min(left, at(copies, number) - at(this.seen, number));
      if (missing <= 0) continue;
      left -= missing;
      copies[number] = at(copies, number) - missing;
      if (at(copies, number) === 0) onAbsent(number);
    }
    return limit - left;
  }

  /** Events that must be here, are, and that the filter takes. */
  seenOf(filter: (number: number) => boolean): number {
    let found = 0;
    this.seen.forEach((times, number) => {
      if (times > 0 && filter(number)) found++;
    });
    return found;
  }

  /** What was counted; found = expected - lost + doubled. */
  result({ hop, store, method }: HopName): HopLedger {
    const { copies, digests } = this.plan;
    const examples: HopLedger['examples'][number][] = [];
    let expected = 0;
    let lost = 0;
    for (let number = 0; number < copies.length; number++) {
      const wanted = at(copies, number);
      expected += wanted;
      const missing = wanted - at(this.seen, number);
      if (missing <= 0) continue;
      lost += missing;
      if (examples.length < examplesAKind) examples.push({ kind: 'lost', id: this.idOf(number) });
    }
    for (const kind of ['doubled', 'alien', 'altered'] as const) {
      examples.push(...this.examples[kind].map((id) => ({ kind, id })));
    }
    const { found, doubled, alien } = this;
    const altered = digests === undefined ? null : this.altered;
    return { hop, store, expected, found, lost, doubled, alien, altered, examples, method };
  }

  private note(kind: Exclude<Defect, 'lost'>, label: () => string): void {
    const named = this.examples[kind];
    if (named.length >= examplesAKind) return;
    const id = label();
    if (!named.includes(id)) named.push(id);
  }

  private idOf(number: number): string {
    return this.plan.ids.text(number);
  }
}

function uuidText(bytes: Uint8Array, offset: number): string {
  const hex = Buffer.from(bytes.subarray(offset, offset + 16)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Big-endian, signed. */
function lowWord(bytes: Uint8Array, offset: number): number {
  return (
    (at(bytes, offset) << 24) | (at(bytes, offset + 1) << 16) | (at(bytes, offset + 2) << 8) | at(bytes, offset + 3)
  );
}
