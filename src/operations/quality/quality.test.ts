import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateQuality } from './evaluate.ts';
import { parseRules, qualitySql, rulesOf } from './rules.ts';

const path = join(import.meta.dirname, '../../../dags-repo/quality/rules.yaml');
const rules = parseRules(readFileSync(path, 'utf8'), path);

describe('quality rules', () => {
  it('of the project are read, those of one layer asked of that layer only', () => {
    const names = (layer: 'speed' | 'batch') => rulesOf(rules, 'user_events', layer).map(({ name }) => name);
    expect(names('speed')).toContain('user tier was known');
    expect(names('batch')).not.toContain('user tier was known');
    expect(qualitySql(rules, 'transactions', 'batch', ['2026-11-20', '2026-11-21'])).toContain(
      'count(*) - count(distinct transaction_id) as r0',
    );
  });

  it('are refused with the key that is wrong', () => {
    const wrong = 'threshold: 2\nvolume: { days: 1, tolerance: 1 }\ntables: {}';
    expect(() => parseRules(wrong, 'r.yaml')).toThrow(expect.objectContaining({ code: 'BAD_RULES', exitCode: 2 }));
    expect(() => parseRules(wrong, 'r.yaml')).toThrow(/threshold/);
    expect(() => parseRules('a: [', 'r.yaml')).toThrow(expect.objectContaining({ code: 'BAD_RULES' }));
  });
});

describe('evaluateQuality', () => {
  const day =
    (bad: number, total = 1000) =>
    async (sql: string) =>
      sql.includes('as days')
        ? { total: 2000, days: 2 }
        : { total, r0: bad, r1: 0, r2: 0, r3: 0, r4: 0, r5: 0, r6: 0, r7: 0 };

  it('scores by the share of bad rows and fails below the threshold', async () => {
    const good = await evaluateQuality(rules, '2026-11-20', { batch: day(10) });
    expect(good.ok).toBe(true);
    expect(good.tables[0]).toMatchObject({ rows: 1000, volume: { mean: 1000, ratio: 1, anomaly: false } });
    expect(good.tables[0]?.rules[0]).toMatchObject({ bad: 10, score: 0.99 });
    expect((await evaluateQuality(rules, '2026-11-20', { batch: day(400) })).ok).toBe(false);
  });

  it('tells a day that is much smaller than those before', async () => {
    const small = await evaluateQuality(rules, '2026-11-20', { speed: day(0, 100) });
    expect(small.tables[0]?.volume).toMatchObject({ ratio: 0.1, anomaly: true });
    const empty = await evaluateQuality(rules, '2026-11-20', { speed: async () => ({ total: 0, days: 0 }) });
    expect(empty.tables[0]).toMatchObject({ score: 1, volume: null });
  });
});
