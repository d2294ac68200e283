import { z } from 'zod';
import { lakeJob } from '../../components/spark/lake-job.ts';
import { externalError, usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { jobLine } from '../job-lines.ts';
import type { OpenStack } from '../stack.ts';

const lineSchema = z.discriminatedUnion('event', [
  z.looseObject({ event: z.literal('progress'), detail: z.string() }),
  z.object({ event: z.literal('rows'), rows: z.array(z.array(z.unknown())) }),
  z.looseObject({ event: z.literal('result') }),
  z.object({ event: z.literal('error'), code: z.string(), message: z.string() }),
]);

export interface LakeRun<T> {
  result: T;
  /** What came before the result, of `query`. */
  rows: readonly (readonly unknown[])[];
  /** Of the whole program, milliseconds. */
  elapsedMs: number;
}

/**
 * Runs the lake tool of a stack that is up, installing it where it is missing; its progress is told as log events.
 * @param args a verb and what it takes (LakeTool.java)
 * @throws LambdaError NOT_UP; UNKNOWN_TABLE, BAD_SQL, BAD_DATE (exit 2); LAKE_FAILED
 */
export async function runLake<T>(
  stack: OpenStack,
  args: readonly string[],
  schema: z.ZodType<T>,
  context: OperationContext,
): Promise<LakeRun<T>> {
  await stack.requireUp();
  const rows: (readonly unknown[])[] = [];
  let last: z.infer<typeof lineSchema> | undefined;
  const onLine = (text: string) => {
    const line = jobLine(lineSchema, text);
    if (line?.event === 'rows') rows.push(...line.rows);
    else if (line?.event === 'progress') {
      context.emit({ type: 'log', level: 'info', component: 'lake', message: line.detail });
    } else last = line ?? last;
  };
  const { exitCode, errorTail, elapsedMs } = await stack.run(lakeJob, { args, onLine }, context);
  if (last?.event === 'error') throw errorOf(last);
  if (exitCode !== 0 || last?.event !== 'result') {
    throw externalError(`The lake tool ended with code ${exitCode}${errorTail === '' ? '.' : `:\n${errorTail}`}`, {
      code: 'LAKE_FAILED',
      actions: ['lambdactl logs lake', 'lambdactl health'],
    });
  }
  return { result: schema.parse(last), rows, elapsedMs };
}

/** What the caller asked wrongly, and what helps. */
const requests = [
  { code: 'UNKNOWN_TABLE', actions: ['`lambdactl lake tables` lists them.'] },
  {
    code: 'BAD_SQL',
    actions: ["The lake speaks Spark's SQL; `lambdactl lake tables --json` shows tables and columns."],
  },
  { code: 'ROWS_INVALID', actions: ['Nothing was written. docs/ingest.md says how rows become records.'] },
  { code: 'BAD_DATE', actions: ['`lambdactl lake snapshots TABLE` lists the times there are.'] },
] as const;

function errorOf({ code, message }: { code: string; message: string }) {
  const request = requests.find((each) => each.code === code);
  if (request !== undefined) return usageError(message, request);
  return externalError(`The lake cannot be read: ${message}`, {
    code: 'LAKE_FAILED',
    actions: ['lambdactl health', 'lambdactl logs lake'],
  });
}
