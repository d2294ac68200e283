import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

/**
 * Types of Airflow's REST API for src/probes/airflow, out of the OpenAPI description inside the airflow-python artifact:
 *   node scripts/generate-airflow-client.ts SITE_PACKAGES
 * Only the paths that are used are kept, and what they refer to: the whole of it is eight times as long.
 */

const paths = [
  '/api/v2/dags',
  '/api/v2/dags/{dag_id}',
  '/api/v2/dags/{dag_id}/dagRuns',
  '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}',
  '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/clear',
  '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances',
  '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}',
  '/api/v2/dags/{dag_id}/tasks',
  '/api/v2/backfills',
  '/api/v2/importErrors',
  '/api/v2/version',
];

// TypeScript 7 has no API for programs yet; the generator brings the last one that has.
const tools = ['openapi-typescript@7.13.0', 'typescript@5.9.3'];

const [sitePackages] = process.argv.slice(2);
if (sitePackages === undefined) throw new Error('usage: generate-airflow-client.ts SITE_PACKAGES');
const description = join(sitePackages, 'airflow/api_fastapi/core_api/openapi/v2-rest-api-generated.yaml');
const output = join(import.meta.dirname, '../src/probes/airflow/openapi.ts');

interface Description {
  openapi: string;
  info: unknown;
  paths: Record<string, unknown>;
  components: { schemas: Record<string, unknown> };
}

/** Schemas that these values refer to, directly or through others. */
function reachable(roots: unknown, { components }: Description): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name in found) continue;
      found[name] = components.schemas[name];
      visit(found[name]);
    }
  };
  visit(roots);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const whole: Description = parse(readFileSync(description, 'utf8'));
const missing = paths.filter((path) => !(path in whole.paths));
if (missing.length > 0) throw new Error(`the description has no ${missing.join(', ')}`);
const kept = Object.fromEntries(paths.map((path) => [path, whole.paths[path]]));
const scratch = mkdtempSync(join(tmpdir(), 'airflow-client-'));
try {
  const reduced = { ...whole, paths: kept, components: { schemas: reachable(kept, whole) } };
  writeFileSync(join(scratch, 'api.yaml'), stringify(reduced));
  const packages = tools.flatMap((name) => ['--package', name]);
  const args = ['exec', '--yes', ...packages, '--', 'openapi-typescript', join(scratch, 'api.yaml'), '-o', output];
  execFileSync('npm', args, { cwd: scratch, stdio: 'inherit' });
} finally {
  rmSync(scratch, { recursive: true });
}
