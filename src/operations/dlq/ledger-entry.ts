import { z } from 'zod';

const run = z.string();
/** Epoch ms by the writer's clock. */
const at = z.number();

const chunkSchema = z.object({
  kind: z.enum(['begun', 'done']),
  run,
  at,
  /** Source topic and partition whose refused records are meant. */
  topic: z.string(),
  partition: z.int(),
  /** Their offsets there, [first, last] each. */
  ranges: z.array(z.tuple([z.int(), z.int()])).readonly(),
  /** Partition of the source topic that they are put on. */
  target: z.int(),
  /** No record of the chunk can lie before this offset of it. */
  scanFrom: z.int(),
});

const entrySchema = z.union([
  z.object({
    kind: z.literal('claim'),
    run,
    at,
    who: z.string(),
    /** Offset up to which the claimant had read the ledger. */
    after: z.int(),
  }),
  z.object({ kind: z.literal('release'), run, at }),
  chunkSchema,
]);

type ReadChunk = z.infer<typeof chunkSchema>;

/** Records that are put back together, and how far that has come. */
export type Chunk = Omit<ReadChunk, 'ranges'> & { ranges: readonly (readonly [number, number])[] };

/** Key and value of a record of the ledger: "claim", or "RUN/NUMBER" of a chunk, which its outcome overwrites. */
export type Entry = readonly [string, Exclude<z.infer<typeof entrySchema>, ReadChunk> | Chunk];

/** null for what is no entry. */
export function readEntry(value: Buffer | null): Entry[1] | null {
  try {
    return entrySchema.parse(JSON.parse(String(value)));
  } catch {
    return null;
  }
}
