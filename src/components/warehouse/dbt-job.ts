import { warehouse } from '../../platform/pipeline.ts';
import type { JobDefinition, JobPlan, RenderContext } from '../contract.ts';

/** Where dbt writes compiled code, its parse cache, run_results.json and the docs, below the job's cache directory. */
export const dbtTargetDir = 'target';

/**
 * dbt on the project of dags-repo/dbt. Arguments are dbt's own; stdout is its log, one JSON object a line. Everything it needs to
 * know of the stack comes by environment (docs/batch-layer.md), so that the same profiles.yml serves a stack and an account.
 */
export const dbtJob: JobDefinition = {
  name: 'dbt',
  title: 'dbt',
  dependsOn: ['warehouse'],
  artifacts: ['warehouse-python'],
  render,
};

function render(context: RenderContext, args: readonly string[]): JobPlan {
  const project = `${context.projectDir('dags-repo')}/dbt`;
  const cache = context.dir('dbt', 'cache');
  return {
    files: [],
    command: {
      executable: context.python,
      // -P: a file of the project cannot stand in for a module. dbt imports its own main before it is run, which Python warns of.
      args: ['-S', '-P', '-W', 'ignore::RuntimeWarning:runpy', '-m', 'dbt.cli.main', ...args],
      env: {
        PYTHONPATH: `${context.artifact('warehouse-python').root}/site-packages`,
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONUNBUFFERED: '1',
        DO_NOT_TRACK: '1',
        DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
        DBT_PROJECT_DIR: project,
        DBT_PROFILES_DIR: project,
        DBT_TARGET_PATH: `${cache}/${dbtTargetDir}`,
        DBT_LOG_PATH: `${cache}/logs`,
        DBT_LOG_FORMAT: 'json',
        // The log file holds every statement, in text for people.
        DBT_LOG_FORMAT_FILE: 'text',
        DBT_USE_COLORS: 'false',
        LAMBDA_SESSION_TIMEOUT_MINUTES: String(context.profile.speed.sessionTimeoutMinutes),
        ...warehouseEnvironment(context),
      },
      cwd: project,
    },
  };
}

/** How the role that transforms logs in to the profile's warehouse. */
function warehouseEnvironment(context: RenderContext): Record<string, string> {
  const { warehouse: target } = context.profile;
  if (target.target === 'snowflake') {
    return {
      LAMBDA_WAREHOUSE_TARGET: 'snowflake',
      LAMBDA_WAREHOUSE_ACCOUNT: target.account,
      LAMBDA_WAREHOUSE_USER: target.user,
      // By environment, not by path: the key lies sealed in the stack's secrets and nowhere in the clear.
      LAMBDA_WAREHOUSE_PRIVATE_KEY: context.secret('account.snowflake'),
      LAMBDA_WAREHOUSE_ROLE: target.role,
      LAMBDA_WAREHOUSE_WAREHOUSE: target.warehouse,
      LAMBDA_WAREHOUSE_DATABASE: target.database,
    };
  }
  const port = String(context.port('warehouse.http'));
  return {
    LAMBDA_WAREHOUSE_TARGET: 'embedded',
    LAMBDA_WAREHOUSE_ACCOUNT: 'embedded',
    LAMBDA_WAREHOUSE_URL: `http://${context.hostOf('warehouse')}:${port}`,
    LAMBDA_WAREHOUSE_HOST: context.hostOf('warehouse'),
    LAMBDA_WAREHOUSE_PORT: port,
    LAMBDA_WAREHOUSE_PROTOCOL: 'http',
    LAMBDA_WAREHOUSE_USER: context.user('warehouse.dbt'),
    LAMBDA_WAREHOUSE_PASSWORD: context.secret('warehouse.dbt'),
    // A user of the stand-in and its role have one name.
    LAMBDA_WAREHOUSE_ROLE: context.user('warehouse.dbt'),
    LAMBDA_WAREHOUSE_DATABASE: warehouse.database,
  };
}
