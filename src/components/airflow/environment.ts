import { createHash } from 'node:crypto';
import type { RenderContext } from '../contract.ts';
import { databaseUrl, verification } from '../postgres/component.ts';
import { authorityPath } from '../tls.ts';

export const ports = { api: 'airflow.api' } as const;

/** Branch of the DAG repository that runs, its bundle's name in Airflow, and where the DAGs lie in it. */
export const dagBundle = { name: 'platform', branch: 'main', subdir: 'dags' } as const;

/** How often the mirror is fetched from the origin, seconds: what a push may wait before Airflow can see it. */
export const fetchIntervalSeconds = 10;

/** Tasks run on the laptop that also runs the speed layer: two at a time, and the heavy ones are one a DAG. */
export const parallelTasks = 2;

export const apiUrl = (context: RenderContext): string =>
  `http://${context.hostOf('airflow-api')}:${context.port(ports.api)}`;

/** The bare repository that users push to. */
export const originOf = (context: Pick<RenderContext, 'dir'>): string => `${shared(context)}/git/origin.git`;
/** The bare repository that Airflow reads. */
export const mirrorOf = (context: Pick<RenderContext, 'dir'>): string => `${shared(context)}/git/mirror.git`;

/** The processes share the repositories, the checked-out commits and the task logs. */
export const shared = (context: Pick<RenderContext, 'dir'>): string => context.dir('airflow-dag-processor', 'data');

/** Python of the platform with nothing but the artifact's packages: what the machine's own Python has installed is not seen. */
export const pythonArguments = ['-S', '-m', 'airflow'] as const;

/** Environment of one process; all of Airflow's settings are here and no airflow.cfg is kept. Every line that differs from Airflow's default says why. */
export function environment(context: RenderContext, instance: string): Record<string, string> {
  return {
    PYTHONPATH: `${context.artifact('airflow-python').root}/site-packages`,
    AIRFLOW_HOME: context.dir(instance, 'run'),
    // Two arenas instead of eight a core: a quarter of the memory of threads that hardly run.
    MALLOC_ARENA_MAX: '2',
    // A process that renames itself must not write over its environment: the supervisor finds a run's processes by it.
    SPT_NOENV: '1',
    ...sections({
      core: core(context),
      database: database(context, instance),
      logging: {
        base_log_folder: `${shared(context)}/logs`,
        dag_processor_child_process_log_directory: `${context.dir(instance, 'cache')}/parsing`,
        colored_console_log: 'False',
        // The scheduler's level is also that of tasks; the others say every few seconds that they still live.
        logging_level: instance === 'airflow-scheduler' ? 'INFO' : 'WARNING',
      },
      api: api(context),
      api_auth: { jwt_secret: context.secret('airflow.jwt'), jwt_issuer: 'lambdactl' },
      scheduler: scheduler(),
      dag_processor: dagProcessor(context),
      usage_data_collection: { enabled: 'False' },
    }),
    AIRFLOW_CONN_GIT_DEFAULT: JSON.stringify({ conn_type: 'git', host: `file://${mirrorOf(context)}` }),
    ...forTasks(context),
  };
}

/** What DAGs find: the command line tool, the stack it speaks to, and where failures are told. */
function forTasks(context: RenderContext): Record<string, string> {
  const { webhook } = context.profile.alerts;
  return {
    LAMBDACTL_BIN: `${parent(context.projectDir('dags-repo'))}/bin/lambdactl`,
    LAMBDACTL_HOME: homeOf(context),
    LAMBDACTL_STACK: context.stack,
    LAMBDACTL_PYTHON: context.python,
    ...(webhook === undefined ? {} : { LAMBDA_ALERT_WEBHOOK: webhook }),
  };
}

function core(context: RenderContext): Record<string, string> {
  return {
    executor: 'LocalExecutor',
    parallelism: String(parallelTasks),
    load_examples: 'False',
    lazy_load_plugins: 'True',
    dags_are_paused_at_creation: 'False',
    fernet_key: fernetKey(context.secret('airflow.fernet')),
    execution_api_server_url: `${apiUrl(context)}/execution/`,
    simple_auth_manager_users: `${context.user('airflow.admin')}:admin`,
    simple_auth_manager_passwords_file: `${context.dir('airflow-api', 'conf')}/passwords.json`,
    // 30 by default: a run of a new commit would be shown with the old one's tasks.
    min_serialized_dag_update_interval: '5',
    min_serialized_dag_fetch_interval: '5',
    // On, a broken file without the word "dag" is passed over in silence.
    dag_discovery_safe_mode: 'False',
    dagbag_import_timeout: '20',
  };
}

function database(context: RenderContext, instance: string): Record<string, string> {
  return {
    sql_alchemy_conn: connection(context, authorityPath(context, instance)),
    sql_alchemy_pool_size: '3',
    sql_alchemy_max_overflow: '5',
  };
}

/** Of Airflow's own database, with its password. @param authority path of the certificate that the server is verified by, under TLS */
export function connection(context: RenderContext, authority: string): string {
  const login = `${context.user('postgres.airflow')}:${context.secret('postgres.airflow')}`;
  const url = databaseUrl(context, 'airflow').replace('postgresql://', `postgresql+psycopg2://${login}@`);
  return context.certificates === null ? url : `${url}?${verification(authority)}`;
}

function api(context: RenderContext): Record<string, string> {
  return {
    base_url: apiUrl(context),
    host: context.listenHost,
    port: String(context.port(ports.api)),
    workers: '1',
    secret_key: context.secret('airflow.api'),
    expose_config: 'False',
  };
}

function scheduler(): Record<string, string> {
  return {
    // A killed task is noticed after a minute (300 s by default) and retried.
    task_instance_heartbeat_timeout: '60',
    task_instance_heartbeat_sec: '10',
    task_instance_heartbeat_timeout_detection_interval: '10',
    orphaned_tasks_check_interval: '60',
    // A missed night is not made up for unasked: the laptop was off, and a backfill is one command.
    catchup_by_default: 'False',
  };
}

function dagProcessor(context: RenderContext): Record<string, string> {
  const { name, branch, subdir } = dagBundle;
  const bundle = {
    name,
    classpath: 'airflow.providers.git.bundles.git.GitDagBundle',
    kwargs: { git_conn_id: 'git_default', tracking_ref: branch, subdir, refresh_interval: 5 },
  };
  return {
    parsing_processes: '1',
    print_stats_interval: '0',
    min_file_process_interval: '30',
    refresh_interval: '15',
    bundle_refresh_check_interval: '5',
    dag_bundle_config_list: JSON.stringify([bundle]),
    // Under /tmp by default, where a clean-up may take it away from a running task.
    dag_bundle_storage_path: `${shared(context)}/bundles`,
  };
}

/** { core: { executor: "x" } } → { AIRFLOW__CORE__EXECUTOR: "x" } */
function sections(settings: Readonly<Record<string, Readonly<Record<string, string>>>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]) => [`AIRFLOW__${section}__${key}`.toUpperCase(), value]),
    ),
  );
}

/** Fernet wants 32 bytes, url-safe base64 with its padding. */
const fernetKey = (secret: string): string =>
  createHash('sha256').update(secret).digest('base64').replaceAll('+', '-').replaceAll('/', '_');

const parent = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Directory of all stacks: what stands before "/stacks/<stack>/" in the paths of an instance. */
function homeOf(context: RenderContext): string {
  const data = shared(context);
  const at = data.lastIndexOf(`/stacks/${context.stack}/`);
  return at === -1 ? data : data.slice(0, at);
}
