import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LambdaError, messageOf, usageError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { lake, topics } from '../../platform/pipeline.ts';
import { RecordProducer, type TextRecord } from '../../probes/kafka-producer.ts';
import { makeDirectory, openAppend, readIfExists, remove } from '../../system/files.ts';
import { formatOf, type RowFormat, readRows, rowFormats } from '../../system/rows.ts';
import { brokersOf } from '../brokers.ts';
import { appendToLake } from '../lake/lake.ts';
import { type JsonSchema, loadSchema } from '../provision/schemas.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from '../stack.ts';
import { type Contract, contractOf } from './contract.ts';
import { type Mapping, mapRow, parseMapping } from './mapping.ts';

/** Streams that take records of others. */
export const ingestStreams = ['user_events', 'transactions', 'events.raw'] as const;
export type IngestStream = (typeof ingestStreams)[number];

/** Formats of files. */
export const ingestFormats = rowFormats;

export interface IngestRequest extends StackRef {
  files: readonly string[];
  stream: IngestStream;
  /** By the file's ending when absent. */
  format: RowFormat | undefined;
  /** YAML file; docs/ingest.md. */
  mapping: string | undefined;
  /** stop: a file with a row that does not fit is not sent at all; skip: such rows are left out; send: the pipeline judges. */
  onInvalid: 'stop' | 'skip' | 'send';
  /** stream: as records of the topic; lake: straight into the stream's table, for loads of history. */
  to: 'stream' | 'lake';
  dryRun: boolean;
}

export interface IngestedFile {
  file: string;
  rows: number;
  sent: number;
  invalid: number;
  /** The first ones, "line 7: quantity: must be >= 1". */
  problems: readonly string[];
}

export interface IngestReport {
  stack: string;
  stream: IngestStream;
  to: 'stream' | 'lake';
  dryRun: boolean;
  files: readonly IngestedFile[];
  elapsedMs: number;
}

const batchSize = 1000;
const problemsShown = 10;

interface Source {
  path: string;
  format: RowFormat;
}

/**
 * Rows of the user's files as records of a stream, checked against its schema first.
 * @throws LambdaError BAD_FILE, BAD_MAPPING, ROWS_INVALID (nothing was sent), NOT_UP, KAFKA_REFUSED
 */
export async function ingest(request: IngestRequest, context: OperationContext): Promise<IngestReport> {
  const started = performance.now();
  const topic = topics.find(({ name }) => name === request.stream);
  const schema = await loadSchema(join(projectRoot, 'schemas', topic?.schema ?? ''));
  const mapping = await readMapping(request.mapping, schema);
  const sources = await Promise.all(request.files.map((path) => sourceOf(path, request.format)));
  const stack = await openStack(request);
  const plan = {
    schema,
    mapping,
    contract: contractOf(schema),
    key: topic?.key ?? 'user_id',
    onInvalid: request.onInvalid,
  };
  if (request.onInvalid === 'stop' || request.dryRun) {
    const checked = await checkAll(sources, plan, context);
    if (request.dryRun) return report(request, stack.name, checked, started);
    refuseInvalid(checked);
  }
  await stack.requireUp();
  const target =
    request.to === 'lake'
      ? await lakeTarget(stack, request.stream, context)
      : await streamTarget(stack, request.stream);
  try {
    const files: IngestedFile[] = [];
    for (const source of sources) files.push(await sendFile(source, plan, target.send, context));
    await target.finish();
    return report(request, stack.name, files, started);
  } finally {
    await target.close();
  }
}

/** Where checked records go. */
interface Target {
  send(records: readonly TextRecord[]): Promise<void>;
  /** After the last one. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

async function streamTarget(stack: OpenStack, stream: IngestStream): Promise<Target> {
  const producer = new RecordProducer(await brokersOf(stack.runtime), stream);
  return { send: (records) => producer.send(records), finish: async () => {}, close: () => producer.close() };
}

/** Records of all files are one file for the lake tool, which commits them at once. */
async function lakeTarget(stack: OpenStack, stream: IngestStream, context: OperationContext): Promise<Target> {
  const table = lake.tables.find(({ topic }) => topic === stream)?.name ?? stream;
  const directory = stack.paths.dir('lake', 'cache');
  await makeDirectory(directory, 0o700);
  const path = `${directory}/ingest-${randomUUID()}.txt`;
  const file = await openAppend(path);
  let count = 0;
  return {
    send: async (records) => {
      await file.write(records.map(({ value }) => `${count++}\t${value}\n`).join(''));
    },
    finish: async () => {
      if (count === 0) return;
      await step(context, { id: 'append', title: `Append to lake.${table}` }, async () => {
        const { rows } = await appendToLake(stack, { table, file: path }, context);
        return { value: rows, detail: `${rows} rows in one commit` };
      });
    },
    close: async () => {
      await file.close();
      await remove(path);
    },
  };
}

function report(
  { stream, to, dryRun }: IngestRequest,
  stack: string,
  files: readonly IngestedFile[],
  started: number,
): IngestReport {
  return { stack, stream, to, dryRun, files, elapsedMs: performance.now() - started };
}

async function readMapping(path: string | undefined, schema: JsonSchema): Promise<Mapping> {
  if (path === undefined) return {};
  const text = await readIfExists(path);
  if (text === null) throw usageError(`There is no mapping ${path}.`, { code: 'BAD_MAPPING' });
  return parseMapping(text, path, Object.keys(schema.properties ?? {}));
}

async function sourceOf(path: string, given: RowFormat | undefined): Promise<Source> {
  const format = given ?? formatOf(path);
  if (format === null) {
    throw usageError(`${path}: the ending does not tell what it is.`, {
      code: 'BAD_FILE',
      actions: ['Say it: --format jsonl, csv or parquet.'],
    });
  }
  return { path, format };
}

interface Plan {
  schema: JsonSchema;
  mapping: Mapping;
  contract: Contract;
  key: string;
  onInvalid: IngestRequest['onInvalid'];
}

async function checkAll(sources: readonly Source[], plan: Plan, context: OperationContext): Promise<IngestedFile[]> {
  const checked: IngestedFile[] = [];
  for (const source of sources) {
    checked.push(
      await step(context, { id: `check/${source.path}`, title: `Check ${source.path}` }, () =>
        runFile(source, plan, null, context),
      ),
    );
  }
  return checked;
}

function sendFile(
  source: Source,
  plan: Plan,
  send: (records: readonly TextRecord[]) => Promise<void>,
  context: OperationContext,
) {
  return step(context, { id: `send/${source.path}`, title: `Send ${source.path}` }, () =>
    runFile(source, plan, send, context),
  );
}

/** @param send null: rows are only checked */
async function runFile(
  { path, format }: Source,
  plan: Plan,
  send: ((records: readonly TextRecord[]) => Promise<void>) | null,
  { emit, signal }: OperationContext,
): Promise<{ value: IngestedFile; detail: string }> {
  const done = { file: path, rows: 0, sent: 0, invalid: 0, problems: [] as string[] };
  let batch: TextRecord[] = [];
  const flush = async () => {
    signal.throwIfAborted();
    await send?.(batch);
    done.sent += send === null ? 0 : batch.length;
    batch = [];
    emit({ type: 'progress', id: `${send === null ? 'check' : 'send'}/${path}`, done: done.rows, unit: 'items' });
  };
  try {
    for await (const { row, line, problem = 'no row' } of readRows(path, format)) {
      done.rows += 1;
      const record = row === null ? null : mapRow(row, plan.mapping, plan.schema);
      const wrong = record === null ? problem : plan.contract(record);
      if (wrong !== null) {
        done.invalid += 1;
        if (done.problems.length < problemsShown) done.problems.push(`line ${line}: ${wrong}`);
      }
      if (record !== null && (wrong === null || plan.onInvalid === 'send')) {
        batch.push({ key: String(record[plan.key] ?? ''), value: JSON.stringify(record) });
      }
      if (batch.length >= batchSize) await flush();
    }
    if (batch.length > 0) await flush();
  } catch (error) {
    if (error instanceof LambdaError || signal.aborted) throw error;
    throw usageError(`${path} cannot be read as ${format}: ${messageOf(error)}`, {
      code: 'BAD_FILE',
      details: { file: path, row: done.rows, sent: done.sent },
      actions: ['Say what it is with --format jsonl, csv or parquet.'],
    });
  }
  const detail = `${done.rows} rows${send === null ? '' : `, ${done.sent} sent`}${done.invalid > 0 ? `, ${done.invalid} do not fit` : ''}`;
  return { value: done, detail };
}

function refuseInvalid(files: readonly IngestedFile[]): void {
  const wrong = files.filter(({ invalid }) => invalid > 0);
  if (wrong.length === 0) return;
  const lines = wrong.flatMap(({ file, problems }) => problems.map((problem) => `  ${file}, ${problem}`));
  const count = wrong.reduce((sum, { invalid }) => sum + invalid, 0);
  throw usageError(
    `${count} rows do not fit the schema; nothing was sent.\n${lines.slice(0, problemsShown).join('\n')}`,
    {
      code: 'ROWS_INVALID',
      details: { files: wrong },
      actions: [
        'Correct the file, or say in a mapping which column is which field: --mapping FILE (docs/ingest.md).',
        'Leave such rows out with --on-invalid skip, or let the pipeline judge with --on-invalid send.',
      ],
    },
  );
}
