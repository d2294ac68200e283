import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { clickhouse as layout } from '../platform/pipeline.ts';
import type { ClickHouseClient } from '../probes/clickhouse.ts';
import { entriesOf, readIfExists } from '../system/files.ts';
import { upCommand } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural, schemasOf, some, withClickHouse } from './support.ts';

const { database, tables, views, schemaOf } = layout;

export const clickhouseSchema: Check = {
  name: 'clickhouse-schema',
  area: 'data',
  title: 'Migrations, tables, columns, projections and views of ClickHouse',
  needs: ['clickhouse'],
  run: (context) =>
    withClickHouse(context, async (client) => {
      const files = await migrationFiles(join(context.projectRoot, 'templates', 'clickhouse', 'migrations'));
      const [migrations, present, projections] = await Promise.all([
        migrationFindings(context, client, files),
        objectFindings(context, client, files),
        projectionFindings(client, files),
      ]);
      return outcome(`${plural(files.length, 'migration')} applied; tables, columns, projections and views are there`, [
        ...migrations,
        ...present,
        ...projections,
      ]);
    }),
};

interface MigrationFile {
  version: string;
  checksum: string;
  text: string;
}

async function migrationFiles(directory: string): Promise<MigrationFile[]> {
  const names = (await entriesOf(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = (await readIfExists(join(directory, name))) ?? '';
      return { version: name.replace(/\.sql$/, ''), checksum: createHash('sha256').update(text).digest('hex'), text };
    }),
  );
}

async function migrationFindings(
  context: CheckContext,
  client: ClickHouseClient,
  files: readonly MigrationFile[],
): Promise<Finding[]> {
  const [journal] = await client.rows(
    `SELECT 1 AS found FROM system.tables WHERE database = '${database}' AND name = 'schema_migrations'`,
  );
  const rows =
    journal === undefined
      ? []
      : await client.rows<{ version: string; checksum: string }>(
          `SELECT version, checksum FROM ${database}.schema_migrations`,
        );
  const applied = new Map(rows.map(({ version, checksum }) => [version, checksum]));
  const known = new Set(files.map(({ version }) => version));
  const missing = files.filter(({ version }) => !applied.has(version)).map(({ version }) => version);
  const edited = files.filter(({ version, checksum }) => (applied.get(version) ?? checksum) !== checksum);
  const unknown = [...applied.keys()].filter((version) => !known.has(version));
  return [
    ...(missing.length === 0
      ? []
      : [
          {
            severity: 'error' as const,
            what: `${plural(missing.length, 'migration')} of ClickHouse not applied: ${some(missing)}`,
            why: 'Tables or views that the speed layer and the dashboards need are missing or old.',
            fix: { command: upCommand(context), safe: true },
          },
        ]),
    ...edited.map(({ version }) => ({
      severity: 'error' as const,
      what: `Migration ${version} of ClickHouse is not what was applied: file and journal differ`,
      why: '`up` refuses to go on: nobody can tell what the tables look like. Restore the file, or begin the stack anew.',
      fix: null,
    })),
    ...(unknown.length === 0
      ? []
      : [
          {
            severity: 'warning' as const,
            what: `ClickHouse has migrations that this lambdactl does not know: ${some(unknown)}`,
            why: 'A newer lambdactl worked on this stack; this one may write what the tables no longer take.',
            fix: null,
          },
        ]),
  ];
}

async function objectFindings(
  context: CheckContext,
  client: ClickHouseClient,
  files: readonly MigrationFile[],
): Promise<Finding[]> {
  const columns = await client.rows<{ table: string; name: string }>(
    `SELECT table, name FROM system.columns WHERE database = '${database}'`,
  );
  const columnsOf = Map.groupBy(columns, ({ table }) => table);
  const gone = [...tables, ...views].filter((name) => !columnsOf.has(name));
  const findings: Finding[] = [];
  if (gone.length > 0) {
    findings.push({
      severity: 'error',
      what: `ClickHouse lacks ${some(gone)}`,
      why: 'Queries on them fail, and the speed job cannot write to a table that is not there. The statement stands in templates/clickhouse/migrations.',
      fix: null,
    });
  }
  const schemas = await schemasOf(context, Object.values(schemaOf));
  for (const [table, file] of Object.entries(schemaOf)) {
    const present = new Set((columnsOf.get(table) ?? []).map(({ name }) => name));
    if (present.size === 0) continue;
    const { properties = {}, required = [] } = schemas[file] ?? {};
    const lacking = Object.keys(properties).filter((name) => !present.has(name));
    if (lacking.length === 0) continue;
    // `up` adds a column for a new optional field; one that a migration declares has a type of its own.
    const isNew = (name: string) =>
      !required.includes(name) && !files.some(({ text }) => new RegExp(`^\\s+${name} `, 'm').test(text));
    findings.push({
      severity: 'error',
      what: `Table ${table} of ClickHouse lacks ${plural(lacking.length, 'column')} of schemas/${file}: ${some(lacking)}`,
      why: 'These fields are not in the speed layer: it drops them, or its inserts fail. A column that a migration declares stands there with its type.',
      fix: lacking.every(isNew) ? { command: upCommand(context), safe: true } : null,
    });
  }
  return findings;
}

async function projectionFindings(client: ClickHouseClient, files: readonly MigrationFile[]): Promise<Finding[]> {
  const rows = await client.rows<{ name: string }>(
    `SELECT table || '.' || name AS name FROM system.projections WHERE database = '${database}'`,
  );
  const present = new Set(rows.map(({ name }) => name));
  const declared = projectionsOf(files.map(({ text }) => text));
  const lacking = declared.filter((name) => !present.has(name));
  if (lacking.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${plural(lacking.length, 'projection')} of ClickHouse missing: ${some(lacking)}`,
      why: 'The views over it read all rows instead of small aggregates: dashboards get slow. Its statement stands in templates/clickhouse/migrations.',
      fix: null,
    },
  ];
}

/**
 * "table.projection" of every projection that there is after these migrations: declared within CREATE TABLE, added or dropped by ALTER.
 * @param files texts of the migrations, in their order
 */
export function projectionsOf(files: readonly string[]): string[] {
  const there = new Set<string>();
  for (const statement of files.flatMap((sql) => sql.split(/;\s*$/m))) {
    const [, verb, table] =
      new RegExp(`(CREATE|ALTER) TABLE (?:IF NOT EXISTS )?${database}\\.(\\w+)`).exec(statement) ?? [];
    if (verb === 'CREATE') {
      for (const [, name] of statement.matchAll(/^\s*PROJECTION (\w+)/gm)) there.add(`${table}.${name}`);
    }
    for (const [, name] of statement.matchAll(/ADD PROJECTION (?:IF NOT EXISTS )?(\w+)/g))
      there.add(`${table}.${name}`);
    for (const [, name] of statement.matchAll(/DROP PROJECTION (?:IF EXISTS )?(\w+)/g))
      there.delete(`${table}.${name}`);
  }
  return [...there];
}
