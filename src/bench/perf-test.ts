import type { Percentiles } from '../core/bench-report.ts';

/**
 * Reads the last line of kafka-producer-perf-test, such as "500000 records sent, 61728.4 records/sec (14.72 MB/sec), 210.30 ms avg
 * latency, 512.00 ms max latency, 190 ms 50th, 420 ms 95th, 480 ms 99th, 505 ms 99.9th."; with a warm-up, the line of what came after it.
 * @returns null when there is none
 */
export function parsePerfTest(lines: readonly string[]): { rate: number; latencyMs: Percentiles } | null {
  const number = '([\\d.,]+)';
  const pattern = new RegExp(
    `${number}[^,]*? records sent, ${number} records/sec .*?${number} ms max latency, ${number} ms 50th, ${number} ms 95th, ${number} ms 99th, ${number} ms 99.9th`,
  );
  const found = lines.map((line) => pattern.exec(line)).findLast((match) => match !== null);
  if (found == null) return null;
  const [count, rate, max, p50, p95, p99, p999] = found.slice(1).map((text) => Number(text.replaceAll(',', '')));
  // It tells no 90th; the next one it tells is an upper bound.
  const latency = { p50: p50 ?? 0, p90: p95 ?? 0, p95: p95 ?? 0, p99: p99 ?? 0, p999: p999 ?? 0, max: max ?? 0 };
  return { rate: rate ?? 0, latencyMs: { ...latency, count: count ?? 0 } };
}
