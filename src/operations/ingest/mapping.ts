import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { z } from 'zod';
import { usageError } from '../../core/errors.ts';
import type { JsonSchema } from '../provision/schemas.ts';

const source = z.strictObject({
  /** Column of the file; dots go into nested objects. */
  from: z.string().optional(),
  /** The same for every row. */
  value: z.union([z.string(), z.number(), z.boolean(), z.null(), z.record(z.string(), z.unknown())]).optional(),
  /** Where the column is absent, null or empty. */
  default: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  /** How a time is written, where it is not ISO 8601. */
  format: z.enum(['iso', 'epoch_s', 'epoch_ms', 'epoch_us']).optional(),
  /** Values to be replaced. */
  map: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  /** A uuid made of these columns: the same row is the same record, however often the file is ingested. */
  uuid_of: z.array(z.string()).nonempty().optional(),
  /** An object of these columns. */
  object: z.record(z.string(), z.string()).optional(),
});
const mappingSchema = z.strictObject({ fields: z.record(z.string(), z.union([z.string(), source])) });

export type Mapping = Readonly<Record<string, z.infer<typeof source>>>;

/** @throws LambdaError BAD_MAPPING naming the key */
export function parseMapping(text: string, path: string, fields: readonly string[]): Mapping {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    throw bad(path, error instanceof Error ? error.message : String(error));
  }
  const parsed = mappingSchema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw bad(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const unknown = Object.keys(parsed.data.fields).find((name) => !fields.includes(name));
  if (unknown !== undefined) throw bad(path, `there is no field "${unknown}"; fields: ${fields.join(', ')}`);
  return Object.fromEntries(
    Object.entries(parsed.data.fields).map(([name, each]) => [name, typeof each === 'string' ? { from: each } : each]),
  );
}

function bad(path: string, problem: string) {
  return usageError(`Mapping ${path}: ${problem}`, {
    code: 'BAD_MAPPING',
    actions: ['docs/ingest.md describes the file, with an example.'],
  });
}

/**
 * A record of the stream out of a row of the user's file. Fields without a mapping are taken from the column of their name; text from
 * CSV becomes what the schema says. Values that do not convert stay as they are, for the contract check to name.
 */
export function mapRow(row: Readonly<Record<string, unknown>>, mapping: Mapping, schema: JsonSchema) {
  const record: Record<string, unknown> = {};
  const required = new Set(schema.required ?? []);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const value = convert(pick(row, name, mapping[name]), field, mapping[name]?.format);
    if (value !== undefined) record[name] = value;
    else if (!required.has(name) && [field.type].flat().includes('null')) record[name] = null;
  }
  return record;
}

function pick(row: Readonly<Record<string, unknown>>, name: string, how: Mapping[string] | undefined): unknown {
  if (how?.value !== undefined) return how.value;
  if (how?.uuid_of !== undefined) return uuidOf(how.uuid_of.map((column) => text(at(row, column))));
  if (how?.object !== undefined) {
    return Object.fromEntries(Object.entries(how.object).map(([key, column]) => [key, at(row, column) ?? null]));
  }
  const found = at(row, how?.from ?? name);
  const present = found === undefined || found === null || found === '' ? how?.default : found;
  return how?.map?.[text(present)] ?? present;
}

function at(row: Readonly<Record<string, unknown>>, path: string): unknown {
  if (path in row) return row[path];
  let value: unknown = row;
  for (const key of path.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(plain(value));

/** Version 5 of RFC 9562 in a namespace of our own. */
function uuidOf(parts: readonly string[]): string {
  const hash = createHash('sha1').update('lambdactl ingest\0').update(JSON.stringify(parts)).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const millisecondsOf = { epoch_s: 1000, epoch_ms: 1, epoch_us: 0.001 } as const;

function convert(value: unknown, field: JsonSchema, format: Mapping[string]['format']): unknown {
  if (value === undefined || value === null) return undefined;
  const types = [field.type].flat();
  if (field.format === 'date-time') return timeOf(value, format);
  if (typeof value === 'bigint') return types.includes('string') ? String(value) : Number(value);
  if (types.includes('string')) return typeof value === 'string' ? value : text(value);
  if (typeof value !== 'string') return plain(value);
  const trimmed = value.trim();
  if (types.includes('integer') || types.includes('number')) {
    return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : value;
  }
  if (types.includes('boolean')) {
    const lower = trimmed.toLowerCase();
    return ['true', '1', 'yes'].includes(lower) ? true : ['false', '0', 'no'].includes(lower) ? false : value;
  }
  try {
    return JSON.parse(trimmed);
  } catch {
    return value;
  }
}

function timeOf(value: unknown, format: Mapping[string]['format'] = 'iso'): unknown {
  if (value instanceof Date) return value.toISOString();
  if (format !== 'iso') {
    const time = new Date(Number(value) * millisecondsOf[format]);
    return Number.isNaN(time.getTime()) ? value : time.toISOString();
  }
  // A time without a zone is UTC, not the zone of whoever's machine this is.
  const written = String(value).trim().replace(' ', 'T');
  const zoned = /([zZ]|[+-]\d{2}:?\d{2})$/.test(written) ? written : `${written}Z`;
  const time = new Date(/^\d{4}-\d{2}-\d{2}Z$/.test(zoned) ? zoned.replace('Z', 'T00:00:00Z') : zoned);
  return Number.isNaN(time.getTime()) ? value : time.toISOString();
}

/** Parquet's own types as JSON has them. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
