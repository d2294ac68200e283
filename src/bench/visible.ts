import type { ClickHouseClient } from '../probes/clickhouse.ts';
import { Latencies } from './percentiles.ts';

/** Events of a run in the speed layer. Times in ms since 1970. */
export interface RunWindow {
  /** Event times, both ends included. */
  from: number;
  to: number;
  /** Rows written before it are another run's. */
  startedAt: number;
}

const at = (ms: number): string => `fromUnixTimestamp64Milli(toInt64(${Math.floor(ms)}))`;

const where = ({ from, to, startedAt }: RunWindow): string =>
  `timestamp BETWEEN ${at(from)} AND ${at(to)} AND processing_time >= ${at(startedAt)}`;

/** Rows of the run that queries see now. */
export async function visibleRows(clickhouse: ClickHouseClient, window: RunWindow): Promise<number> {
  const [row] = await clickhouse.rows<{ rows: string }>(
    `SELECT count() AS rows FROM user_events_realtime WHERE ${where(window)}`,
  );
  return Number(row?.rows ?? 0);
}

/**
 * Rows written since `startedAt` and how late the newest micro-batch was, from the few lines that the job writes about its batches:
 * cheap enough for once a second. The latency is from the newest event of the batch before until this batch's last insert: that of
 * its oldest event, but for a gap between two events.
 */
export async function liveProgress(
  clickhouse: ClickHouseClient,
  startedAt: number,
): Promise<{ visible: number; latencyMs: number | null }> {
  const [row] = await clickhouse.rows<{ visible: string; latency: number | null }>(`
    SELECT toString(sum(rows)) AS visible, max(end) - argMax(previous, end) AS latency
    FROM (
      SELECT
        rows,
        toUnixTimestamp64Milli(time) + duration_ms AS end,
        nullIf(toUnixTimestamp64Milli(lagInFrame(max_event_time) OVER (ORDER BY time ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)), 0) AS previous
      FROM speed_batches WHERE stream = 'user_events' AND time >= ${at(startedAt)} AND rows > 0
    )`);
  const latency = row?.latency == null ? null : Number(row.latency);
  return { visible: Number(row?.visible ?? 0), latencyMs: latency !== null && latency > 0 ? latency : null };
}

/**
 * From event time until visible. Every row carries the start of its micro-batch; the line in speed_batches tells when that batch's
 * last insert was answered. By then every row of it is visible, most of them earlier: an upper bound.
 * @param countFrom event time from which events count, for a warm-up
 */
export async function visibleLatencies(
  clickhouse: ClickHouseClient,
  window: RunWindow,
  countFrom: number,
): Promise<Latencies> {
  const rows = await clickhouse.rows<{ ms: string; n: string }>(`
    SELECT toString(dateDiff('millisecond', timestamp, visible)) AS ms, toString(count()) AS n
    FROM user_events_realtime
    INNER JOIN (
      SELECT started, argMin(time + toIntervalMillisecond(duration_ms), time) AS visible
      FROM (SELECT DISTINCT processing_time AS started FROM user_events_realtime WHERE ${where(window)}) AS micro_batches
      CROSS JOIN (SELECT time, duration_ms FROM speed_batches WHERE stream = 'user_events' AND time >= ${at(window.startedAt)}) AS ends
      WHERE time >= started GROUP BY started
    ) AS batches ON processing_time = started
    WHERE ${where(window)} AND timestamp >= ${at(countFrom)}
    GROUP BY ms`);
  const latencies = new Latencies();
  for (const { ms, n } of rows) latencies.add(Number(ms), Number(n));
  return latencies;
}
