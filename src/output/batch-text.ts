import { duration } from './format.ts';
import { table } from './table.ts';

interface BatchShown {
  date: string;
  batchId: string | null;
  load?: readonly { table: string; rows: number; files: number; elapsedMs: number }[];
  dbt?: { nodes: readonly { name: string; status: string; message?: string | null }[] };
  quality?: {
    threshold: number;
    tables: readonly {
      layer: string;
      table: string;
      rows: number;
      score: number;
      rules: readonly { rule: string; warn: boolean; bad: number }[];
      volume: { mean: number; ratio: number; anomaly: boolean } | null;
    }[];
  };
  stepMs: Readonly<Record<string, number>>;
  elapsedMs: number;
}

/** What a batch did, for people: loaded rows, what failed, scores, times. */
export function batchText({ date, batchId, load, dbt, quality, stepMs, elapsedMs }: BatchShown): string {
  const parts: string[] = [];
  if (load !== undefined) {
    const rows = load.map((each) => [each.table, String(each.rows), String(each.files), duration(each.elapsedMs)]);
    parts.push(table(['TABLE', 'ROWS>', 'FILES>', 'TIME>'], rows));
  }
  const failed = dbt?.nodes.filter(({ status }) => ['fail', 'error'].includes(status)) ?? [];
  if (failed.length > 0) parts.push(failed.map(({ name, message }) => `✗ ${name}: ${message ?? ''}`).join('\n'));
  if (quality !== undefined) parts.push(qualityText(quality));
  const times = Object.entries(stepMs).map(([name, ms]) => `${name} ${duration(ms)}`);
  parts.push(`${date}, batch ${batchId ?? '–'}: ${times.join(', ')}; ${duration(elapsedMs)} in all`);
  return parts.join('\n\n');
}

function qualityText({ tables, threshold }: NonNullable<BatchShown['quality']>): string {
  const rows = tables.map(({ layer, table: name, rows: count, score, volume }) => [
    layer,
    name,
    String(count),
    score.toFixed(4),
    score >= threshold ? 'ok' : `below ${threshold}`,
    volume === null
      ? ''
      : `${(volume.ratio * 100).toFixed(0)} % of the days before${volume.anomaly ? ': unusual' : ''}`,
  ]);
  const broken = tables.flatMap(({ layer, table: name, rules }) =>
    rules
      .filter(({ bad }) => bad > 0)
      .map(({ rule, bad, warn }) => `  ${layer} ${name}: ${bad} rows break "${rule}"${warn ? ' (not scored)' : ''}`),
  );
  return [table(['LAYER', 'TABLE', 'ROWS>', 'SCORE>', '', 'VOLUME'], rows), ...broken].join('\n');
}
