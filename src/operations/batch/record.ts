import { z } from 'zod';
import { readJson, toJson } from '../../state/json-file.ts';
import { makeDirectory, writeAtomic } from '../../system/files.ts';
import type { OpenStack } from '../stack.ts';

const stepTimes = z.record(z.string(), z.number());

/** What the steps of a date tell each other when each is a command of its own; one file a date. */
const recordSchema = z.object({
  date: z.string(),
  batchId: z.string().nullable(),
  /** ISO time of the lake check's begin. */
  lakeTime: z.string().nullable(),
  /** The batch job's, as it wrote it. */
  manifest: z.record(z.string(), z.unknown()).nullable(),
  /** Milliseconds of the last run of each step. */
  stepMs: stepTimes,
});
export type BatchRecord = z.infer<typeof recordSchema>;

const fileOf = ({ paths }: OpenStack, date: string) => `${paths.stackDir}/data/batch/${date}.json`;

/** An empty record where nothing of the date has run. @throws LambdaError STATE_CORRUPT */
export async function readRecord(stack: OpenStack, date: string): Promise<BatchRecord> {
  const path = fileOf(stack, date);
  const advice = [`Delete ${path}; \`lambdactl batch run --date ${date}\` makes it anew.`];
  const found = await readJson(path, (value) => recordSchema.parse(value), advice);
  return found ?? { date, batchId: null, lakeTime: null, manifest: null, stepMs: {} };
}

/** @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE */
export async function updateRecord(
  stack: OpenStack,
  date: string,
  change: Partial<Omit<BatchRecord, 'date' | 'stepMs'>> & { stepMs?: Record<string, number> },
): Promise<BatchRecord> {
  const present = await readRecord(stack, date);
  const next = { ...present, ...change, stepMs: { ...present.stepMs, ...change.stepMs } };
  await makeDirectory(`${stack.paths.stackDir}/data/batch`, 0o700);
  await writeAtomic(fileOf(stack, date), toJson(next), { mode: 0o600 });
  return next;
}
