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
  /** false within the warm-up: counted, and left out of the latencies. */
  measured: boolean;
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
  /** Committed and not captured yet; `turn` counts the row's changes. */
  applied: { change: AppliedChange; turn: number }[];
  /** Captured before their commit was told here; `late`: its log position lies before that of a record that came earlier. */
  captured: { change: CapturedChange; late: boolean }[];
  /** Of every record of the row. */
  positions: number[];
  turns: number;
  /** Turn of the newest change that was captured. */
  newestTurn: number;
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
  /** From due until a consumer has it, of changes behind the warm-up. */
  readonly fromDue = new Latencies();
  /** From PostgreSQL's commit until a consumer has it. */
  readonly fromCommit = new Latencies();
  /** Of the change that was matched last, ms. */
  newestMs: number | null = null;
  private readonly rows = new Map<string, Row>();
  private readonly totals = new Map<string, Totals>();

  applied(change: AppliedChange): void {
    this.of(change.table).expected += 1;
    const row = this.row(change);
    row.applied.push({ change, turn: row.turns });
    row.turns += 1;
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
    row.captured.push({ change, late: row.positions.some((position) => position > change.lsn) });
    row.positions.push(change.lsn);
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
      for (const { change } of applied) remember(this.of(change.table), 'lost', change.key);
      for (const { change } of captured) {
        const { table, key } = change;
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

  /** Pairs the oldest record with the oldest change of its kind; a change that was passed over is lost, or comes too late. */
  private match(row: Row): void {
    for (;;) {
      const [record] = row.captured;
      if (record === undefined) return;
      const { change, late } = record;
      const place = row.applied.findIndex(({ change: { kind } }) => kind === change.kind);
      const [made] = place === -1 ? [] : row.applied.splice(place, 1);
      if (made === undefined) return;
      row.captured.shift();
      if (late || made.turn < row.newestTurn) {
        const totals = this.of(change.table);
        totals.altered += 1;
        remember(totals, 'altered', change.key);
      }
      row.newestTurn = Math.max(row.newestTurn, made.turn);
      this.arrived(made.change, change);
    }
  }

  private arrived(applied: AppliedChange, { committedMs, receivedMs }: CapturedChange): void {
    this.of(applied.table).matched += 1;
    this.newestMs = receivedMs - applied.dueMs;
    if (!applied.measured) return;
    this.fromDue.add(receivedMs - applied.dueMs);
    this.fromCommit.add(receivedMs - committedMs);
  }

  private row({ table, key }: { table: string; key: string }): Row {
    const id = `${table} ${key}`;
    const present = this.rows.get(id);
    if (present !== undefined) return present;
    const made: Row = { applied: [], captured: [], positions: [], turns: 0, newestTurn: -1 };
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
