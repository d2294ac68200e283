import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import type { OperationContext } from '../../core/events.ts';
import type { ComparedColumn } from '../../reconcile/entities.ts';
import { makeDirectory, readChunks, remove } from '../../system/files.ts';
import type { OpenStack } from '../stack.ts';
import { runLake } from './tool.ts';

const count = z.int().min(0);

const idsSchema = z.object({
  rows: count,
  rejected: count,
  /** Rows in files whose commit is no longer known: they were compacted since. */
  unknownCommits: count,
  /** [ms from event time until the commit, rows]; ms rounded down to eleven significant bits. */
  latencies: z.array(z.tuple([count, count])),
});
export type LakeIdsReport = z.infer<typeof idsSchema>;

export interface LakeIdsRequest {
  table: 'user_events' | 'transactions';
  /** Kafka partition → first offset and the offset behind the last. */
  window: Readonly<Record<string, readonly [number, number]>>;
  /** What the digest is made of; the first one is the id. */
  columns: readonly ComparedColumn[];
  /** Epoch ms; snapshots committed before it brought nothing of the window. */
  since: number;
}

/**
 * Has every record of a window of Kafka read from the lake, as LakeIds.java writes them, and handed to `use` in pieces.
 * @throws LambdaError NOT_UP, LAKE_FAILED
 */
export async function withLakeIds<T>(
  stack: OpenStack,
  { table, window, columns, since }: LakeIdsRequest,
  context: OperationContext,
  use: (records: AsyncIterable<Uint8Array>, report: LakeIdsReport) => Promise<T>,
): Promise<T> {
  const directory = stack.paths.dir('lake', 'cache');
  await makeDirectory(directory);
  const file = join(directory, `ids-${randomBytes(6).toString('hex')}.bin`);
  const kinds = columns.map(({ name, kind, scale }) => ({ name, kind, scale }));
  const wanted = ['--window', JSON.stringify(window), '--columns', JSON.stringify(kinds)];
  const args = ['ids', ...wanted, '--since', String(since), '--file', file, '--', table];
  try {
    const { result } = await runLake(stack, args, idsSchema, context);
    return await use(readChunks(file), result);
  } finally {
    await remove(file);
  }
}

const spansSchema = z.object({ spans: z.array(z.tuple([z.int(), z.int()])) });

/**
 * Times of events that tables may hold, from metadata alone: between these spans they hold none.
 * @returns [first, last] ms since 1970 of data files, in order, overlapping ones joined
 * @throws LambdaError NOT_UP, LAKE_FAILED
 */
export async function lakeSpans(
  stack: OpenStack,
  tables: readonly LakeIdsRequest['table'][],
  context: OperationContext,
): Promise<readonly (readonly [number, number])[]> {
  return (await runLake(stack, ['spans', '--', ...tables], spansSchema, context)).result.spans;
}
