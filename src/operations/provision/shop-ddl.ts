import type { JsonSchema } from './schemas.ts';

/** PostgreSQL DDL of an entity, derived from its JSON Schema: one column a property, checks from enum and minimum. */
export function createTable(table: string, key: string, schema: JsonSchema): string {
  const required = new Set(schema.required);
  const columns = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const nullable = !required.has(name) || types(property).includes('null');
    const constraint = name === key ? ' primary key' : nullable ? '' : ' not null';
    return `  ${name} ${columnType(name, property)}${constraint}${check(name, property)}`;
  });
  return `create table if not exists ${table} (\n${columns.join(',\n')}\n)`;
}

/** One statement for each property that the table lacks: a new field in schemas/ becomes a nullable column. */
export function addColumns(table: string, schema: JsonSchema, present: ReadonlySet<string>): string[] {
  return Object.entries(schema.properties ?? {})
    .filter(([name]) => !present.has(name))
    .map(
      ([name, property]) =>
        `alter table ${table} add column ${name} ${columnType(name, property)}${check(name, property)}`,
    );
}

function columnType(name: string, property: JsonSchema): string {
  const decimal = property['x-decimal'];
  if (decimal !== undefined) return `numeric(${decimal.join(', ')})`;
  if (property.format === 'uuid') return 'uuid';
  // Milliseconds, as in the contract: what goes in comes out of change data capture unchanged.
  if (property.format === 'date-time') return 'timestamptz(3)';
  const type = types(property).find((each) => each !== 'null');
  const plain: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'integer',
    number: 'double precision',
    boolean: 'boolean',
    object: 'jsonb',
  };
  const found = plain[type ?? ''];
  if (found === undefined) throw new Error(`property ${name} has no column type (${type})`);
  return found;
}

function types({ type }: JsonSchema): readonly string[] {
  return type === undefined ? [] : typeof type === 'string' ? [type] : type;
}

function check(name: string, { enum: values, minimum }: JsonSchema): string {
  if (values !== undefined) return ` check (${name} in (${values.map((value) => `'${value}'`).join(', ')}))`;
  return minimum === undefined ? '' : ` check (${name} >= ${minimum})`;
}
