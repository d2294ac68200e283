import { z } from 'zod';
import { sparkBatchJob } from '../../components/spark/batch-job.ts';
import { externalError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { jobLine } from '../job-lines.ts';
import type { OpenStack } from '../stack.ts';

const manifestSchema = z.looseObject({
  batchId: z.string(),
  date: z.string(),
  /** ISO time. */
  startedAt: z.string(),
  seconds: z.number(),
  /** Of all tables. */
  rows: z.number(),
  duplicates: z.number(),
  /** Rows by class. */
  rejected: z.record(z.string(), z.number()),
  tables: z.record(z.string(), z.looseObject({ rows: z.number() })),
});
/** What the batch job wrote, as its manifest in the stage says (docs/batch-job.md). */
export type SparkManifest = z.infer<typeof manifestSchema>;

const lineSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('progress'), step: z.string(), detail: z.string() }),
  z.object({ event: z.literal('result'), manifest: manifestSchema }),
  z.object({ event: z.literal('error'), message: z.string() }),
]);

/**
 * One date of the lake into the stage, under a batch id of its own.
 * @throws LambdaError BATCH_FAILED with the job's own words
 */
export function runSparkBatch(
  stack: OpenStack,
  { date, batchId }: { date: string; batchId: string },
  context: OperationContext,
): Promise<SparkManifest> {
  return step(context, { id: 'spark', title: 'Spark batch' }, async () => {
    let last: z.infer<typeof lineSchema> | undefined;
    const onLine = (text: string) => {
      const line = jobLine(lineSchema, text);
      if (line?.event === 'progress') {
        const message = `${line.step}: ${line.detail}`;
        context.emit({ type: 'log', level: 'info', component: 'spark-batch', message });
      } else last = line ?? last;
    };
    const args = ['--date', date, '--batch-id', batchId];
    const { exitCode, errorTail } = await stack.run(sparkBatchJob, { args, onLine }, context);
    if (last?.event !== 'result' || exitCode !== 0) {
      const reason = last?.event === 'error' ? last.message : `it ended with code ${exitCode}\n${errorTail}`;
      throw externalError(`The Spark batch of ${date} failed: ${reason}`, {
        code: 'BATCH_FAILED',
        retryable: true,
        details: { date, batchId, exitCode },
        actions: ['lambdactl logs spark-batch', 'lambdactl health', 'Run it again: a rerun replaces the date.'],
      });
    }
    const { manifest } = last;
    const rejected = Object.values(manifest.rejected).reduce((sum, rows) => sum + rows, 0);
    return {
      value: manifest,
      detail: `${manifest.rows} rows, ${manifest.duplicates} duplicates, ${rejected} rejected`,
    };
  });
}
