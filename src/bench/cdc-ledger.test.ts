import { describe, expect, it } from 'vitest';
import { type AppliedChange, type CapturedChange, CdcLedger, type ChangeKind } from './cdc-ledger.ts';

const start = 1_000_000;
let position = 0;

const applied = (key: string, kind: ChangeKind, measured = true): AppliedChange => ({
  table: 'users',
  kind,
  key,
  dueMs: start,
  measured,
});
const captured = (key: string, kind: ChangeKind, over: Partial<CapturedChange> = {}): CapturedChange => ({
  table: 'users',
  kind,
  key,
  lsn: ++position,
  committedMs: start + 10,
  receivedMs: start + 40,
  ...over,
});

/** A ledger of 100 rows, each inserted, updated and deleted; some of it planted otherwise. */
function ledgerOf(plant: (changes: CapturedChange[]) => CapturedChange[]) {
  const ledger = new CdcLedger();
  const records: CapturedChange[] = [];
  for (let row = 0; row < 100; row += 1) {
    for (const kind of ['insert', 'update', 'delete'] as const) {
      ledger.applied(applied(`row-${row}`, kind));
      records.push(captured(`row-${row}`, kind));
    }
  }
  for (const record of plant(records)) ledger.captured(record);
  const [hop] = ledger.settle();
  return { ledger, hop };
}
const clean = { expected: 300, found: 300, lost: 0, doubled: 0, alien: 0, altered: 0 };

describe('the ledger of captured changes', () => {
  it('is clean when everything came once and in order', () => {
    const { hop, ledger } = ledgerOf((records) => records);
    expect(hop).toMatchObject({ store: 'cdc.postgres.users', ...clean, examples: [] });
    expect(ledger.progress()).toEqual({ applied: 300, captured: 300 });
  });

  it('counts planted losses, wherever in a row’s life', () => {
    const gone = new Set([0, 4, 8, 297]);
    const { hop } = ledgerOf((records) => records.filter((_, index) => !gone.has(index)));
    expect(hop).toMatchObject({ ...clean, found: 296, lost: 4 });
    expect(new Set(hop?.examples.filter(({ kind }) => kind === 'lost').map(({ id }) => id))).toEqual(
      new Set(['row-0', 'row-1', 'row-2', 'row-99']),
    );
  });

  it('counts copies, one after the other and much later', () => {
    const { hop } = ledgerOf((records) => [
      ...records.slice(0, 5),
      ...records.slice(4, 5),
      ...records.slice(5),
      ...records.slice(0, 2),
    ]);
    expect(hop).toMatchObject({ ...clean, found: 303, doubled: 3 });
  });

  it('counts changes that were never made, of rows it knows and of others', () => {
    const { hop } = ledgerOf((records) => [...records, captured('row-7', 'update'), captured('stranger', 'insert')]);
    expect(hop).toMatchObject({ ...clean, found: 302, alien: 2 });
    expect(hop?.examples.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['alien row-7', 'alien stranger']);
  });

  it('counts changes of a row that change places', () => {
    const { hop } = ledgerOf(([first, second, ...rest]) =>
      first === undefined || second === undefined ? [] : [second, first, ...rest],
    );
    expect(hop).toMatchObject({ ...clean, altered: 1 });
  });

  it('keeps several defects apart', () => {
    const { hop } = ledgerOf((records) => [
      ...records.slice(2),
      ...records.slice(50, 53),
      captured('stranger', 'delete'),
    ]);
    expect(hop).toMatchObject({ expected: 300, lost: 2, doubled: 3, alien: 1 });
  });

  it('takes a record that is there before its commit is told', () => {
    const ledger = new CdcLedger();
    ledger.captured(captured('early', 'insert'));
    expect(ledger.progress()).toEqual({ applied: 0, captured: 0 });
    ledger.applied(applied('early', 'insert'));
    expect(ledger.progress()).toEqual({ applied: 1, captured: 1 });
    expect(ledger.settle()[0]).toMatchObject({ lost: 0, alien: 0, altered: 0 });
  });

  it('measures from due and from commit, and leaves the warm-up out', () => {
    const ledger = new CdcLedger();
    ledger.applied(applied('warm', 'insert', false));
    ledger.captured(captured('warm', 'insert', { receivedMs: start + 5000 }));
    ledger.applied(applied('counted', 'insert'));
    ledger.captured(captured('counted', 'insert'));
    expect(ledger.fromDue.percentiles()).toMatchObject({ count: 1, max: 40 });
    expect(ledger.fromCommit.percentiles()).toMatchObject({ count: 1, max: 30 });
  });
});
