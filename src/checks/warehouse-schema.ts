import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { warehouse as layout } from '../platform/pipeline.ts';
import type { Server } from '../probes/server.ts';
import { openWarehouse, type WarehouseClient } from '../probes/snowflake.ts';
import { entriesOf, readIfExists } from '../system/files.ts';
import { commandFor, upCommand } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { outcome, plural, some } from './support.ts';

const roles = ['admin', 'load', 'dbt', 'snowflake'] as const;

export const warehouseSchema: Check = {
  name: 'warehouse',
  area: 'data',
  title: 'The warehouse answers as each role; its migrations are applied',
  needs: ['warehouse'],
  async run(context) {
    const [admin, ...others] = await Promise.all(roles.map((role) => asRole(context, role)));
    const refused = [admin, ...others].filter((each) => each !== undefined && each.error !== null);
    if (refused.length > 0) {
      return outcome('refused', [
        {
          severity: 'error',
          what: `The warehouse refuses ${plural(refused.length, 'role')}: ${some(refused.map((each) => `${each?.user} (${each?.error})`))}`,
          why: 'Loads, dbt or readers that work as this role fail.',
          fix: { command: commandFor(context, 'restart warehouse'), safe: true },
        },
      ]);
    }
    const files = await checksums(join(context.projectRoot, 'templates', 'warehouse', 'migrations'));
    const findings = await withAdmin(context, (client) => migrationFindings(context, client, files));
    return outcome(`answers as ${roles.length} roles; ${plural(files.size, 'migration')} applied`, findings);
  },
};

function settingsOf({ url, user, password }: Server) {
  const name = user ?? '';
  return {
    target: 'embedded' as const,
    url,
    user: name,
    password: password ?? '',
    role: name,
    database: layout.database,
  };
}

async function asRole(context: CheckContext, protocol: string): Promise<{ user: string; error: string | null }> {
  const server = await context.endpoint('warehouse', protocol);
  const user = server.user ?? protocol;
  try {
    const client = await openWarehouse(settingsOf(server));
    try {
      await client.rows('SELECT 1 AS ONE');
    } finally {
      await client.close();
    }
    return { user, error: null };
  } catch (error) {
    return { user, error: messageOf(error).split('\n')[0] ?? '' };
  }
}

async function withAdmin<T>(context: CheckContext, use: (client: WarehouseClient) => Promise<T>): Promise<T> {
  const client = await openWarehouse(settingsOf(await context.endpoint('warehouse', 'admin')));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

async function checksums(directory: string): Promise<Map<string, string>> {
  const names = (await entriesOf(directory)).filter((name) => name.endsWith('.sql')).sort();
  const entries = names.map(async (name) => {
    const text = (await readIfExists(join(directory, name))) ?? '';
    return [name.replace(/\.sql$/, ''), createHash('sha256').update(text).digest('hex')] as const;
  });
  return new Map(await Promise.all(entries));
}

async function migrationFindings(
  context: CheckContext,
  client: WarehouseClient,
  files: ReadonlyMap<string, string>,
): Promise<Finding[]> {
  const { raw } = layout.schemas;
  const tables = await client.rows(
    `SELECT TABLE_NAME FROM ${layout.database}.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = '${raw}'`,
  );
  const present = new Set(tables.map((row) => String(row.TABLE_NAME)));
  const wanted = [...layout.dated.map(({ table }) => table), ...layout.dimensions, 'BATCHES'];
  const gone = wanted.filter((name) => !present.has(name));
  const journal = present.has('SCHEMA_MIGRATIONS')
    ? await client.rows(`SELECT VERSION, CHECKSUM FROM ${layout.database}.${raw}.SCHEMA_MIGRATIONS`)
    : [];
  const applied = new Map(journal.map((row) => [String(row.VERSION), String(row.CHECKSUM)]));
  const missing = [...files.keys()].filter((version) => !applied.has(version));
  const edited = [...files].filter(([version, checksum]) => (applied.get(version) ?? checksum) !== checksum);
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push({
      severity: 'error',
      what: `${plural(missing.length, 'migration')} of the warehouse not applied: ${some(missing)}`,
      why: 'The nightly load finds no tables to write into.',
      fix: { command: upCommand(context), safe: true },
    });
  } else if (gone.length > 0) {
    findings.push({
      severity: 'error',
      what: `The warehouse lacks ${some(gone.map((name) => `${raw}.${name}`))} although its migrations are recorded`,
      why: 'Loads into it fail. The lake still has the rows: after the table is made again, `batch run` of each date brings them.',
      fix: null,
    });
  }
  for (const [version] of edited) {
    findings.push({
      severity: 'error',
      what: `Migration ${version} of the warehouse is not what was applied: file and journal differ`,
      why: '`up` refuses to go on. Restore the file, and put the change into a new migration.',
      fix: null,
    });
  }
  return findings;
}
