import { clickhouse, lake, warehouse } from '../platform/pipeline.ts';

export const entityNames = ['user_events', 'transactions', 'external_events'] as const;
export type EntityName = (typeof entityNames)[number];

/** How a column's values become the same text on both sides. */
export type ColumnKind = 'uuid' | 'text' | 'time' | 'integer' | 'decimal' | 'boolean';

export interface ComparedColumn {
  /** As in schemas/ and ClickHouse; the warehouse has it in upper case. */
  name: string;
  kind: ColumnKind;
  /** Digits after the point of a decimal. */
  scale: number;
  /** ClickHouse's type; the warehouse's follows from the kind. */
  speedType: string;
}

/** One kind of record, and where both layers keep it. */
export interface Entity {
  name: EntityName;
  /** With its database. */
  speedTable: string;
  /** With its schema; the session knows the database, which a Snowflake account may name otherwise. */
  batchTable: string;
  id: string;
  /** Event time, which decides the date. */
  time: string;
  columns: readonly ComparedColumn[];
  excluded: readonly { column: string; reason: string }[];
}

/** The part of a JSON Schema that matters here. */
export interface RecordSchema {
  properties?: Readonly<
    Record<string, { type?: string | readonly string[]; format?: string; 'x-decimal'?: readonly number[] }>
  >;
}

/** Columns as the engines have them, by lower-case name. */
export interface TableColumns {
  /** Name → ClickHouse type. */
  speed: ReadonlyMap<string, string>;
  batch: ReadonlySet<string>;
}

const speedTables: Record<EntityName, (typeof clickhouse.tables)[number]> = {
  user_events: 'user_events_realtime',
  transactions: 'transactions_realtime',
  external_events: 'events_speed',
};

export function layoutOf(name: EntityName): Omit<Entity, 'columns' | 'excluded'> & { schema: string } {
  const dated = warehouse.dated.find(({ table }) => table === name.toUpperCase());
  const source = lake.tables.find((table) => table.name === name);
  if (dated === undefined || source === undefined) throw new Error(`the pipeline does not declare ${name}`);
  return {
    name,
    speedTable: `${clickhouse.database}.${speedTables[name]}`,
    batchTable: `${warehouse.schemas.raw}.${dated.table}`,
    id: dated.id.toLowerCase(),
    time: dated.time.toLowerCase(),
    schema: source.schema,
  };
}

/** What of an entity can be compared: the schema's fields that both sides have in a form with one text. */
export function entityOf(name: EntityName, schema: RecordSchema, present: TableColumns): Entity {
  const { schema: _, ...layout } = layoutOf(name);
  const columns: ComparedColumn[] = [];
  const excluded: { column: string; reason: string }[] = [];
  for (const [column, rule] of Object.entries(schema.properties ?? {})) {
    const type = present.speed.get(column);
    const inBatch = present.batch.has(column);
    if (type === undefined || !inBatch) {
      const where =
        type !== undefined
          ? 'only the speed layer has it'
          : inBatch
            ? 'only the batch layer has it'
            : 'no layer has it';
      excluded.push({ column, reason: where });
      continue;
    }
    const kind = kindOf(rule, type);
    if (kind === null) excluded.push({ column, reason: `ClickHouse's ${type} does not keep the text that came` });
    else columns.push({ name: column, kind, scale: rule['x-decimal']?.[1] ?? 0, speedType: type });
  }
  return { ...layout, columns, excluded };
}

function kindOf(rule: NonNullable<RecordSchema['properties']>[string], clickhouseType: string): ColumnKind | null {
  const types = (typeof rule.type === 'string' ? [rule.type] : (rule.type ?? [])).filter((type) => type !== 'null');
  switch (types[0]) {
    case 'string':
      if (rule.format === 'date-time') return 'time';
      return rule.format === 'uuid' ? 'uuid' : 'text';
    case 'integer':
      return 'integer';
    case 'boolean':
      return 'boolean';
    case 'number':
      return rule['x-decimal'] === undefined ? null : 'decimal';
    default:
      // Objects and arrays are compared as the text they came as; ClickHouse's JSON type has taken it apart.
      return clickhouseType.includes('String') ? 'text' : null;
  }
}

export const moneyColumns = ({ columns }: Entity): readonly ComparedColumn[] =>
  columns.filter(({ kind }) => kind === 'decimal');
