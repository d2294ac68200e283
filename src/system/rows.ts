import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

export const rowFormats = ['jsonl', 'csv', 'parquet'] as const;
export type RowFormat = (typeof rowFormats)[number];

/** One row of a file of the user's. */
export interface FileRow {
  /** Counted from 1; a CSV's header is its first line. */
  line: number;
  /** By column; of CSV all text. null: the line is no row, `problem` says why. */
  row: Readonly<Record<string, unknown>> | null;
  problem?: string;
}

/** By the file's ending; ".gz" may follow it. null when it tells nothing. */
export function formatOf(path: string): RowFormat | null {
  const bare = path.toLowerCase().replace(/\.gz$/, '');
  const ending = extname(bare);
  if (ending === '.csv' || ending === '.tsv') return 'csv';
  if (ending === '.parquet') return 'parquet';
  return ['.jsonl', '.ndjson', '.json'].includes(ending) ? 'jsonl' : null;
}

/**
 * Rows of a JSON Lines, CSV (header line, separator , ; or tab) or Parquet file, without holding all of it. JSON Lines and CSV may be
 * gzipped.
 * @throws Error with errno code when it cannot be read; Error when it is no file of that format
 */
export function readRows(path: string, format: RowFormat): AsyncIterable<FileRow> {
  if (format === 'parquet') return parquetRows(path);
  return format === 'csv' ? csvRows(path) : jsonRows(path);
}

function textOf(path: string): NodeJS.ReadableStream {
  const file = createReadStream(path);
  if (!path.endsWith('.gz')) return file;
  const unzipped = createGunzip();
  file.on('error', (error) => unzipped.destroy(error));
  return file.pipe(unzipped);
}

async function* jsonRows(path: string): AsyncIterable<FileRow> {
  const input = textOf(path);
  // readline swallows a stream's error; the loop would simply end.
  let failure: unknown;
  input.on('error', (error) => {
    failure = error;
  });
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    if (text.trim() === '') continue;
    yield parsedLine(text, line);
  }
  if (failure !== undefined) throw failure;
}

function parsedLine(text: string, line: number): FileRow {
  try {
    const row: unknown = JSON.parse(text);
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return { line, row: { ...row } };
    return { line, row: null, problem: 'it is no JSON object' };
  } catch (error) {
    return { line, row: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function* csvRows(path: string): AsyncIterable<FileRow> {
  const { parse } = await import('csv-parse');
  const input = textOf(path);
  const parser = parse({
    bom: true,
    columns: true,
    delimiter: [',', ';', '\t'],
    skip_empty_lines: true,
    relax_column_count: true,
    info: true,
  });
  input.on('error', (error) => parser.destroy(error instanceof Error ? error : new Error(String(error))));
  input.pipe(parser);
  for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
    const wrong = info.error === undefined ? {} : { problem: info.error.message };
    yield { line: info.lines, row: info.error === undefined ? record : null, ...wrong };
  }
}

/** What csv-parse yields with `columns` and `info`. */
interface CsvRecord {
  record: Record<string, string>;
  info: { lines: number; error?: { message: string } };
}

const rowsAtOnce = 10_000;

async function* parquetRows(path: string): AsyncIterable<FileRow> {
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors'),
  ]);
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const total = Number(metadata.num_rows);
  for (let rowStart = 0; rowStart < total; rowStart += rowsAtOnce) {
    const rowEnd = Math.min(total, rowStart + rowsAtOnce);
    const rows = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
    for (const [index, row] of rows.entries()) yield { line: rowStart + index + 1, row };
  }
}
