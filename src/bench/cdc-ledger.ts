import type { HopLedger } from '../core/bench-report.ts';
import { Latencies } from './percentiles.ts';

export type ChangeKind = 'insert' | 'update' | 'delete';

/** A change of one row that PostgreSQL has committed. Times in ms since 1970. */
export interface AppliedChange {
  table: string;
  kind: ChangeKind;
  key: string;
  /** When the schedule wanted it. */
  dueMs: number;
}

/** A record of cdc.postgres.*. Times in ms since 1970. */
export interface CapturedChange {
  table: string;
  kind: ChangeKind;
  key: string;
  /** Position in PostgreSQL's log; a row's changes have rising ones. */
  lsn: number;
  committedMs: number;
  receivedMs: number;
}

interface Row {
  /** Committed and not captured yet, in the order of the row's changes. */
  applied: AppliedChange[];
  /** Captured before their commit was told here. */
  captured: CapturedChange[];
  /** Of every record of the row. */
  positions: number[];
}

interface Totals {
  expected: number;
  found: number;
  doubled: number;
  alien: number;
  altered: number;
  matched: number;
  examples: HopLedger['examples'][number][];
}

const examplesOfAKind = 10;

/**
 * Holds every committed change against what arrives on cdc.postgres.*: each must come once, and those of a row in the order in which
 * they were made. Each row may have one writer only, or there would be no such order to speak of. Either side may be told first.
 */
export class CdcLedger {
  /** From due until a consumer has it, of changes due at `countFrom` or later. */
  readonly fromDue = new Latencies();
  /** From PostgreSQL's commit until a consumer has it. */
  readonly fromCommit = new Latencies();
  /** Of the change that was matched last, ms. */
  newestMs: number | null = null;
  private readonly countFrom: number;
  private readonly rows = new Map<string, Row>();
  private readonly totals = new Map<string, Totals>();

  constructor(countFrom: number) {
    this.countFrom = countFrom;
  }

  applied(change: AppliedChange): void {
    this.of(change.table).expected += 1;
    const row = this.row(change);
    row.applied.push(change);
    this.match(row);
  }

  captured(change: CapturedChange): void {
    const totals = this.of(change.table);
    totals.found += 1;
    const row = this.row(change);
    // The same change again: Connect sends twice what it could not note down as sent before it died.
    if (row.positions.includes(change.lsn)) {
      totals.doubled += 1;
      remember(totals, 'doubled', change.key);
      return;
    }
    if (change.lsn < (row.positions.at(-1) ?? 0)) this.outOfOrder(change);
    row.positions.push(change.lsn);
    row.captured.push(change);
    this.match(row);
  }

  /** Committed changes in all, and those of them that arrived. */
  progress(): { applied: number; captured: number } {
    let [applied, captured] = [0, 0];
    for (const { expected, matched } of this.totals.values()) {
      applied += expected;
      captured += matched;
    }
    return { applied, captured };
  }

  /** Counts what is left over: committed and never captured is lost, captured and never committed here is alien. Once, at the end. */
  settle(): HopLedger[] {
    for (const { applied, captured } of this.rows.values()) {
      for (const { table, key } of applied) remember(this.of(table), 'lost', key);
      for (const { table, key } of captured) {
        const totals = this.of(table);
        totals.alien += 1;
        remember(totals, 'alien', key);
      }
    }
    return [...this.totals]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([table, { matched, ...totals }]) => ({
        hop: 'kafka',
        store: `cdc.postgres.${table}`,
        ...totals,
        lost: totals.expected - matched,
        method: 'every change by key, operation and log position; altered: a row’s changes in another order',
      }));
  }

  /** Pairs the oldest of both sides. Another operation than was made is a change that is missing or in the wrong place. */
  private match(row: Row): void {
    for (;;) {
      const [applied, captured] = [row.applied[0], row.captured[0]];
      if (applied === undefined || captured === undefined) return;
      if (applied.kind === captured.kind) {
        row.applied.shift();
        row.captured.shift();
        this.arrived(applied, captured);
        continue;
      }
      // What was made before it never came, or it was never made here.
      const later = row.applied.findIndex(({ kind }) => kind === captured.kind);
      if (later === -1) return;
      const [found] = row.applied.splice(later, 1);
      row.captured.shift();
      if (found === undefined) return;
      this.outOfOrder(captured);
      this.arrived(found, captured);
    }
  }

  private arrived(applied: AppliedChange, { committedMs, receivedMs }: CapturedChange): void {
    this.of(applied.table).matched += 1;
    this.newestMs = receivedMs - applied.dueMs;
    if (applied.dueMs < this.countFrom) return;
    this.fromDue.add(receivedMs - applied.dueMs);
    this.fromCommit.add(receivedMs - committedMs);
  }

  private outOfOrder({ table, key }: CapturedChange): void {
    const totals = this.of(table);
    totals.altered += 1;
    remember(totals, 'altered', key);
  }

  private row({ table, key }: { table: string; key: string }): Row {
    const id = `${table} ${key}`;
    const present = this.rows.get(id);
    if (present !== undefined) return present;
    const made: Row = { applied: [], captured: [], positions: [] };
    this.rows.set(id, made);
    return made;
  }

  private of(table: string): Totals {
    const present = this.totals.get(table);
    if (present !== undefined) return present;
    const made: Totals = { expected: 0, found: 0, doubled: 0, alien: 0, altered: 0, matched: 0, examples: [] };
    this.totals.set(table, made);
    return made;
  }
}

function remember({ examples }: Totals, kind: HopLedger['examples'][number]['kind'], id: string): void {
  if (examples.filter((each) => each.kind === kind).length < examplesOfAKind) examples.push({ kind, id });
}
