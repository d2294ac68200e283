import { z } from 'zod';

/** What the lake tool answers; TableReport.java, Maintenance.java and LakeQuery.java make it. */

const count = z.int().min(0);

const snapshotSchema = z.object({
  /** 64 bits: text. */
  id: z.string(),
  /** ISO 8601, UTC. */
  time: z.string(),
  operation: z.string(),
  addedRows: count,
  deletedRows: count,
  addedFiles: count,
  deletedFiles: count,
  totalRows: count,
});

const totalsSchema = z.object({ rows: count, files: count, bytes: count });

export const tablesSchema = z.object({
  tables: z.array(
    totalsSchema.extend({
      name: z.string(),
      /** Of less than 16 MiB. */
      smallFiles: count,
      lastSnapshot: snapshotSchema.nullable(),
      partitionedBy: z.array(z.string()),
      columns: z.array(z.object({ name: z.string(), type: z.string() })),
    }),
  ),
});
export type LakeTables = z.infer<typeof tablesSchema>;

export const snapshotsSchema = z.object({
  table: z.string(),
  /** Newest first. */
  snapshots: z.array(snapshotSchema),
});
export type LakeSnapshots = z.infer<typeof snapshotsSchema>;

export const maintainedSchema = z.object({
  tables: z.array(
    z.object({
      name: z.string(),
      before: totalsSchema,
      after: totalsSchema,
      rewrittenFiles: count,
      writtenFiles: count,
      failedFiles: count,
      rewrittenManifests: count,
      expiredSnapshots: count,
      orphanFiles: count,
      elapsedMs: count,
    }),
  ),
});
export type LakeMaintained = z.infer<typeof maintainedSchema>;

export const answerSchema = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rowCount: count,
  truncated: z.boolean(),
  /** The time that every table was read as of; null is now. */
  asOf: z.string().nullable(),
  queryMs: count,
});

/** By topic and partition: the offset behind the last record. */
export const offsetsByTopic = z.record(z.string(), z.record(z.string(), count));
export type OffsetsByTopic = z.infer<typeof offsetsByTopic>;

export const appendedSchema = z.object({ table: z.string(), rows: count, firstOffset: count });
export type LakeAppended = z.infer<typeof appendedSchema>;

export const waitedSchema = z.object({
  /** Whether the lake holds everything before the wanted offsets. */
  complete: z.boolean(),
  waitedMs: count,
  /** Records that are not in the lake yet. */
  behind: count,
  missing: z.record(z.string(), z.record(z.string(), z.object({ at: count, wanted: count }))),
  next: offsetsByTopic,
});
export type LakeWaited = z.infer<typeof waitedSchema>;

export const offsetsSchema = z.object({
  next: offsetsByTopic,
  /** table → topic → partition; only when counted. */
  tables: z
    .record(z.string(), z.record(z.string(), z.record(z.string(), z.object({ rows: count, min: count, max: z.int() }))))
    .optional(),
});
export type LakeOffsets = z.infer<typeof offsetsSchema>;
