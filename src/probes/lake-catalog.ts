import type { PostgresClient } from './postgres.ts';
import { readObject } from './s3.ts';
import type { Server } from './server.ts';

/** What Iceberg's own metadata says of a table; no JVM is started and no data file opened. */
export interface LakeTableFacts {
  name: string;
  /** ms since 1970 of the newest snapshot; null for a table without one. */
  newestAt: number | null;
  oldestAt: number | null;
  snapshots: number;
  /** Data files of the newest snapshot and their size in bytes. */
  files: number;
  bytes: number;
}

/**
 * Every table of the catalog: its row there names a metadata file, and that the snapshots.
 * @throws LambdaError POSTGRES_UNREACHABLE, S3_REFUSED; Error when a metadata file is missing or no JSON
 */
export async function lakeTables(
  catalog: PostgresClient,
  store: Server,
  namespace: string,
  signal: AbortSignal,
): Promise<LakeTableFacts[]> {
  const [found] = await catalog.query<{ there: boolean }>(
    "SELECT to_regclass('public.iceberg_tables') IS NOT NULL AS there",
  );
  if (found?.there !== true) return [];
  const rows = await catalog.query<{ name: string; location: string }>(
    'SELECT table_name AS name, metadata_location AS location FROM iceberg_tables WHERE table_namespace = $1 ORDER BY 1',
    [namespace],
  );
  return Promise.all(
    rows.map(async ({ name, location }) => {
      const text = await readObject(store, location.replace(/^s3a?:\/\//, ''), signal);
      if (text === null) throw new Error(`table ${name}: its metadata ${location} is not in the object store`);
      return factsOf(name, text);
    }),
  );
}

interface Snapshot {
  'snapshot-id': number;
  'timestamp-ms': number;
  summary?: Readonly<Record<string, string>>;
}

/** @param text a metadata file of Iceberg's, format 1 to 3 */
export function factsOf(name: string, text: string): LakeTableFacts {
  // Written by Iceberg; its specification fixes these fields. The id has 64 bits, and the current snapshot is the last one logged.
  const { snapshots = [] } = JSON.parse(text) as { snapshots?: readonly Snapshot[] };
  const sorted = snapshots.toSorted((a, b) => a['timestamp-ms'] - b['timestamp-ms']);
  const newest = sorted.at(-1);
  const total = (key: string) => Number(newest?.summary?.[key] ?? 0);
  return {
    name,
    newestAt: newest?.['timestamp-ms'] ?? null,
    oldestAt: sorted[0]?.['timestamp-ms'] ?? null,
    snapshots: snapshots.length,
    files: total('total-data-files'),
    bytes: total('total-files-size'),
  };
}
