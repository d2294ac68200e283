import { describe, expect, it } from 'vitest';
import { batchRanges, layerSql } from './merged.ts';

const at = (text: string) => Date.parse(text);

describe('batchRanges', () => {
  it('takes finished days whole, adjacent ones as one, and gaps as gaps', () => {
    const loaded = [
      { date: '2026-11-20', lakeTime: at('2026-11-21T02:00:00Z') },
      { date: '2026-11-19', lakeTime: at('2026-11-20T02:00:00Z') },
      { date: '2026-11-15', lakeTime: at('2026-11-20T02:00:00Z') },
    ];
    expect(batchRanges(loaded, 10)).toEqual([
      { from: at('2026-11-15T00:00:00Z'), to: at('2026-11-16T00:00:00Z') },
      { from: at('2026-11-19T00:00:00Z'), to: at('2026-11-21T00:00:00Z') },
    ]);
  });

  it('takes of an unfinished day what the batch had surely seen', () => {
    const [range] = batchRanges([{ date: '2026-11-21', lakeTime: at('2026-11-21T12:00:00Z') }], 10);
    expect(range?.to).toBe(at('2026-11-21T11:50:00Z'));
    expect(batchRanges([{ date: '2026-11-21', lakeTime: at('2026-11-21T00:05:00Z') }], 10)).toEqual([]);
  });
});

describe('layerSql', () => {
  const ranges = [{ from: at('2026-11-20T00:00:00Z'), to: at('2026-11-21T00:00:00Z') }];

  it('gives each layer the part of event time that is its own', () => {
    const batch = layerSql('select count(*) from user_events;', 'batch', ranges);
    const speed = layerSql('select count(*) from user_events;', 'speed', ranges);
    expect(batch).toContain("from RAW.USER_EVENTS where (timestamp >= '2026-11-20 00:00:00.000'::timestamp_ntz");
    expect(speed).toContain(
      "from user_events_realtime where not ((timestamp >= toDateTime64('2026-11-20 00:00:00.000', 3)",
    );
    expect(batch.endsWith(' select count(*) from user_events')).toBe(true);
  });

  it('lets everything come from the speed layer while nothing is loaded', () => {
    expect(layerSql('select 1', 'speed', [])).toContain('where not (1 = 0)');
  });

  it('keeps the expressions of the user', () => {
    expect(layerSql('WITH x AS (select 1 a) select a from x', 'speed', [])).toMatch(
      /^with user_events as .*, x AS \(select 1 a\) select a from x$/,
    );
  });

  it('refuses what changes data', () => {
    expect(() => layerSql('delete from user_events', 'batch', [])).toThrow(
      expect.objectContaining({ code: 'BAD_SQL' }),
    );
  });
});
