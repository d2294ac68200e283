import { usageError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import { readStandardInput } from '../../system/standard-input.ts';
import { type OpenStack, openStack, type StackRef } from '../stack.ts';
import {
  answerSchema,
  appendedSchema,
  type LakeAppended,
  type LakeMaintained,
  type LakeOffsets,
  type LakeSnapshots,
  type LakeTables,
  type LakeWaited,
  maintainedSchema,
  type OffsetsByTopic,
  offsetsSchema,
  snapshotsSchema,
  tablesSchema,
  waitedSchema,
} from './reports.ts';
import { runLake } from './tool.ts';

/** Every table with its rows, files and columns. @throws LambdaError NOT_UP, LAKE_FAILED */
export async function lakeTables(ref: StackRef, context: OperationContext): Promise<LakeTables> {
  return (await runLake(await openStack(ref), ['tables'], tablesSchema, context)).result;
}

/** @param table with or without "lake." @throws LambdaError UNKNOWN_TABLE naming those there are */
export async function lakeSnapshots(
  { table, ...ref }: StackRef & { table: string },
  context: OperationContext,
): Promise<LakeSnapshots> {
  return (await runLake(await openStack(ref), ['snapshots', '--', table], snapshotsSchema, context)).result;
}

export interface LakeQueryRequest extends StackRef {
  /** Spark's SQL; "-" reads it from standard input. */
  sql: string;
  /** A time, a date (its end, UTC) or a snapshot's id. */
  asOf: string | undefined;
  maxRows: number;
}

export interface LakeQueryReport {
  layer: 'lake';
  asOf: string | null;
  columns: readonly { name: string; type: string }[];
  /** Decimals and integers beyond 2^53 are text, times ISO 8601. */
  rows: readonly Record<string, unknown>[];
  truncated: boolean;
  elapsedMs: number;
}

/** One reading statement on the lake. @throws LambdaError BAD_SQL with Spark's own words, BAD_DATE, NOT_UP */
export async function lakeQuery(
  { sql, asOf, maxRows, ...ref }: LakeQueryRequest,
  context: OperationContext,
): Promise<LakeQueryReport> {
  const statement = (sql === '-' ? await readStandardInput() : sql).trim().replace(/;$/, '');
  if (statement === '') throw usageError('There is no SQL to run.', { code: 'BAD_SQL' });
  const args = ['query', '--max-rows', String(maxRows), ...(asOf === undefined ? [] : ['--as-of', asOf])];
  const run = await runLake(await openStack(ref), [...args, '--', statement], answerSchema, context);
  const columns = uniquelyNamed(run.result.columns);
  const rows = run.rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
  const { asOf: time, truncated } = run.result;
  return { layer: 'lake', asOf: time, columns, rows, truncated, elapsedMs: run.elapsedMs };
}

/** A second column of one name is called name_2: no value of a row is lost. */
export function uniquelyNamed<T extends { name: string }>(columns: readonly T[]): T[] {
  const used = new Set<string>();
  return columns.map((column) => {
    let name = column.name;
    for (let number = 2; used.has(name); number++) name = `${column.name}_${number}`;
    used.add(name);
    return { ...column, name };
  });
}

/** Compacts small files and removes what nobody can reach any more; all tables when none is named. @throws LambdaError UNKNOWN_TABLE */
export async function lakeMaintain(
  { tables, ...ref }: StackRef & { tables: readonly string[] },
  context: OperationContext,
): Promise<LakeMaintained> {
  const stack = await openStack(ref);
  return (await runLake(stack, ['maintain', '--', ...tables], maintainedSchema, context)).result;
}

/** Which records of Kafka the lake holds, by topic and partition. */
export async function showLakeOffsets(
  { counts, ...ref }: StackRef & { counts: boolean },
  context: OperationContext,
): Promise<LakeOffsets> {
  const args = ['offsets', ...(counts ? ['--counts'] : [])];
  return (await runLake(await openStack(ref), args, offsetsSchema, context)).result;
}

/**
 * Puts rows straight into a table, in one commit.
 * @param file lines "NUMBER TAB JSON", numbered from 0
 * @throws LambdaError UNKNOWN_TABLE, ROWS_INVALID, LAKE_FAILED
 */
export async function appendToLake(
  stack: OpenStack,
  { table, file }: { table: string; file: string },
  context: OperationContext,
): Promise<LakeAppended> {
  return (await runLake(stack, ['append', '--', table, file], appendedSchema, context)).result;
}

/**
 * Waits until the lake holds every record before these offsets; `complete` tells whether it did within the time.
 * @param wanted end offsets as Kafka gives them: one behind the last record
 */
export async function waitForLake(
  stack: OpenStack,
  { wanted, timeoutMs }: { wanted: OffsetsByTopic; timeoutMs: number },
  context: OperationContext,
): Promise<LakeWaited> {
  const seconds = String(Math.ceil(timeoutMs / 1000));
  const args = ['wait', '--timeout', seconds, '--offsets', JSON.stringify(wanted)];
  return (await runLake(stack, args, waitedSchema, context)).result;
}
