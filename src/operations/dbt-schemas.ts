import { join } from 'node:path';
import { stringify } from 'yaml';
import { lake, warehouse } from '../platform/pipeline.ts';
import { writeIfChanged } from '../system/files.ts';
import { type JsonSchema, loadSchema } from './provision/schemas.ts';

/**
 * What the dbt project knows of schemas/: macros/schemas.sql (fields, formats, accepted values) and models/sources.yml (columns and
 * tests of RAW). They are in the repository, so that dbt works without lambdactl; a changed schema makes them anew before dbt runs.
 * @throws LambdaError HOME_NOT_WRITABLE when they have to change and cannot
 */
export async function followSchemas(projectRoot: string): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [path, content] of Object.entries(await dbtSchemaFiles(join(projectRoot, 'schemas')))) {
    if (await writeIfChanged(join(projectRoot, path), content, { mode: 0o644 })) written.push(path);
  }
  return written;
}

/** RAW tables whose columns are a schema's fields; the dimensions are CDC tables of the lake. */
const tables = lake.tables.map(({ name, schema, kind }) => {
  const dimension = kind === 'changes';
  const raw = dimension ? (name === 'cdc_transactions' ? 'shop_transactions' : name.replace('cdc_', '')) : name;
  return { raw, schema, dimension, dated: warehouse.dated.find(({ table }) => table === raw.toUpperCase()) };
});

/** What a value must look like; a check in macros/checks.sql each. */
type Kind = 'uuid' | 'ipv4' | 'timestamp' | 'decimal' | 'integer' | 'boolean' | 'json' | 'text';

interface Field {
  name: string;
  kind: Kind;
  required: boolean;
  /** Not "values": Jinja would take a dictionary's own method where the key is missing. */
  accepted?: readonly string[];
  minimum?: number;
}

const typesOf = ({ type = 'string' }: JsonSchema): readonly string[] => (typeof type === 'string' ? [type] : type);

function kindOf(property: JsonSchema): Kind {
  const types = typesOf(property);
  if (types.includes('object') || types.includes('array')) return 'json';
  if (types.includes('boolean')) return 'boolean';
  if (types.includes('integer')) return 'integer';
  if (types.includes('number')) return 'decimal';
  if (property.format === 'uuid' || property.format === 'ipv4') return property.format;
  return property.format === 'date-time' ? 'timestamp' : 'text';
}

/** Fields of a schema in its order; one that may be null or is optional is not required. */
function fieldsOf({ properties = {}, required = [] }: JsonSchema): Field[] {
  return Object.entries(properties).map(([name, property]) => ({
    name,
    kind: kindOf(property),
    required: required.includes(name) && !typesOf(property).includes('null'),
    ...(property.enum === undefined ? {} : { accepted: property.enum }),
    ...(property.minimum === undefined ? {} : { minimum: property.minimum }),
  }));
}

const dataTypes: Record<Kind, string> = {
  uuid: 'varchar',
  ipv4: 'varchar',
  timestamp: 'timestamp_ntz(6)',
  decimal: 'number(10,2)',
  integer: 'number(10,0)',
  boolean: 'boolean',
  json: 'varchar',
  text: 'varchar',
};

/** What a day of a running shop cannot lack. */
const alwaysComes = ['user_events', 'transactions'];

const note = 'Made from schemas/ by scripts/dbt-schemas.ts: do not edit.';

/** @returns relative paths with the contents they should have */
export async function dbtSchemaFiles(schemasDir: string): Promise<Record<string, string>> {
  const described = await Promise.all(
    tables.map(async (table) => {
      const schema = await loadSchema(join(schemasDir, table.schema));
      return { ...table, title: schema.description ?? '', fields: fieldsOf(schema) };
    }),
  );
  const entries = described.map(({ raw, fields }) => {
    const lines = fields.map((field) => `      ${JSON.stringify(field)}`).join(',\n');
    return `    ${JSON.stringify(raw)}: [\n${lines}\n    ]`;
  });
  const macro = `{#- ${note} -#}
{% macro schema_fields(table) -%}
  {#- Fields of a RAW table's schema in their order: name, kind, required, accepted values, minimum. -#}
  {%- set fields = {\n${entries.join(',\n')}\n  } -%}
  {{ return(fields[table]) }}
{%- endmacro %}
`;
  return {
    'dags-repo/dbt/macros/schemas.sql': macro,
    'dags-repo/dbt/models/sources.yml': `# ${note}\n${stringify(sources(described), { lineWidth: 120 })}`,
  };
}

type Described = (typeof tables)[number] & { title: string; fields: readonly Field[] };

const meta = [
  { name: 'loaded_at', data_type: 'timestamp_ntz(6)', description: 'When COPY read the file' },
  { name: 'batch_id', data_type: 'varchar', description: 'Run of the batch job' },
  { name: 'file_name', data_type: 'varchar', description: 'File in the stage' },
];
const ofDimension = [
  { name: 'is_deleted', data_type: 'boolean', description: 'The row is gone from the shop’s database' },
  { name: 'source_time', data_type: 'timestamp_ntz(6)', description: 'When the shop’s database committed the state' },
];

function sources(described: readonly Described[]) {
  return {
    version: 2,
    sources: [
      {
        name: 'raw',
        description: 'What the batch job loaded; columns in docs/batch-layer.md',
        database: "{{ env_var('LAMBDA_WAREHOUSE_DATABASE', 'LAMBDA') }}",
        schema: warehouse.schemas.raw,
        config: {
          loaded_at_field: 'loaded_at',
          freshness: { warn_after: { count: 26, period: 'hour' }, error_after: { count: 50, period: 'hour' } },
        },
        tables: [...described.map(sourceTable), batches],
      },
    ],
  };
}

function sourceTable({ raw, title, fields, dimension, dated }: Described) {
  const key = fields[0]?.name ?? '';
  const scope = dated === undefined ? {} : { date_column: `to_date(${dated.time.toLowerCase()})` };
  return {
    name: raw,
    description: dimension ? `${title} Last state of every key, by change data capture.` : title,
    // A dimension changes when somebody changes it, and other systems send when they like: no news is no failure.
    ...(alwaysComes.includes(raw) ? {} : { config: { freshness: null } }),
    data_tests: [
      // Of a deleted row only the key is known.
      {
        fits_schema: {
          arguments: { table: raw, ...scope },
          ...(dimension ? { config: { where: 'not is_deleted' } } : {}),
        },
      },
      { unique_in_scope: { arguments: { key: [key], ...scope } } },
    ],
    columns: [...fields.map(column), ...(dimension ? ofDimension : []), ...meta],
  };
}

function column({ name, kind, required, accepted }: Field) {
  const facts = [required ? 'required' : 'optional', kind, ...(accepted ? [`one of ${accepted.join(', ')}`] : [])];
  return { name, data_type: dataTypes[kind], description: facts.join(', ') };
}

const batches = {
  name: 'batches',
  description: 'One row a finished load of a date',
  config: { loaded_at_field: 'finished_at' },
  columns: ['batch_id', 'date', 'started_at', 'finished_at', 'lake_time', 'manifest'].map((name) => ({ name })),
};
