import { datesBetween, nextDate } from '../batch/date.ts';
import { type Layer, type QualityRules, type QualityTable, qualitySql, rulesOf, volumeSql } from './rules.ts';

/** Runs one statement and gives its only row, numbers as numbers, names in lower case. */
export type AskLayer = (sql: string) => Promise<Readonly<Record<string, number>>>;

export interface RuleScore {
  rule: string;
  kind: string;
  /** No part of the table's score. */
  warn: boolean;
  /** Rows that break it. */
  bad: number;
  /** 1 - bad / rows. */
  score: number;
}

export interface TableScore {
  layer: Layer;
  table: QualityTable;
  rows: number;
  /** 1 - mean share of bad rows; 1 for no rows. */
  score: number;
  rules: readonly RuleScore[];
  /** The day's rows against the days before; null when there were none. */
  volume: { mean: number; ratio: number; anomaly: boolean } | null;
}

export interface QualityReport {
  date: string;
  threshold: number;
  /** Every table's score is at or above the threshold. */
  ok: boolean;
  tables: readonly TableScore[];
}

/** Scores a date on the layers given. */
export async function evaluateQuality(
  rules: QualityRules,
  date: string,
  layers: Partial<Record<Layer, AskLayer>>,
): Promise<QualityReport> {
  const tables: TableScore[] = [];
  for (const layer of ['speed', 'batch'] as const) {
    const ask = layers[layer];
    if (ask === undefined) continue;
    for (const table of ['user_events', 'transactions'] as const)
      tables.push(await scoreTable(rules, date, { layer, table, ask }));
  }
  return { date, threshold: rules.threshold, ok: tables.every(({ score }) => score >= rules.threshold), tables };
}

async function scoreTable(
  rules: QualityRules,
  date: string,
  { layer, table, ask }: { layer: Layer; table: QualityTable; ask: AskLayer },
): Promise<TableScore> {
  const counted = await ask(qualitySql(rules, table, layer, [date, nextDate(date)]));
  const rows = counted.total ?? 0;
  const scores = rulesOf(rules, table, layer).map(({ name, kind, warn = false }, index) => {
    const bad = counted[`r${index}`] ?? 0;
    return { rule: name, kind, warn, bad, score: rows === 0 ? 1 : 1 - bad / rows };
  });
  const before = await ask(volumeSql(table, layer, [daysBefore(date, rules.volume.days), date]));
  return {
    layer,
    table,
    rows,
    score: mean(scores.filter(({ warn }) => !warn).map(({ score }) => score)),
    rules: scores,
    volume: volumeOf(rows, before, rules.volume.tolerance),
  };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;

function volumeOf(rows: number, { total = 0, days = 0 }: Readonly<Record<string, number>>, tolerance: number) {
  if (days === 0) return null;
  const usual = total / days;
  const ratio = rows / usual;
  return { mean: usual, ratio, anomaly: Math.abs(ratio - 1) > tolerance };
}

function daysBefore(date: string, days: number): string {
  const first = new Date(Date.parse(`${date}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
  return datesBetween(first, date)[0] ?? first;
}
