import type { CommandSpec, PrepareSpec, ProbeSpec, RenderedFile, ServiceSpec } from '../../core/service-spec.ts';
import type { ComponentDefinition, RenderContext } from '../contract.ts';
import { databasePort } from '../postgres/component.ts';
import { authorityIn, clientFiles } from '../tls.ts';
import { mebibytes } from '../units.ts';
import {
  apiUrl,
  dagBundle,
  environment,
  fetchIntervalSeconds,
  mirrorOf,
  originOf,
  parallelTasks,
  ports,
  pythonArguments,
  shared,
} from './environment.ts';

const instances = ['airflow-api', 'airflow-scheduler', 'airflow-dag-processor'] as const;
type Instance = (typeof instances)[number];

/** A task at its most: an interpreter of Airflow's, and lambdactl with its Node that it calls. */
const taskMiB = 240;

/** Airflow as three processes with LocalExecutor and no triggerer; DAGs come from a git repository (docs/adr/0015). */
export const airflow: ComponentDefinition = {
  name: 'airflow',
  title: 'Airflow',
  // What a task needs it asks for itself when it runs: Airflow must come up with the rest of the platform down.
  dependsOn: ['postgres'],
  startsAfter: ['spark'],
  artifacts: ['airflow-python'],
  instances: () => instances,
  ports: () => [{ id: ports.api, instance: 'airflow-api', preferred: 18080 }],
  credentials: [
    { id: 'airflow.admin', user: 'admin', kind: 'password' },
    { id: 'airflow.fernet', user: 'airflow', kind: 'password' },
    { id: 'airflow.api', user: 'airflow', kind: 'password' },
    { id: 'airflow.jwt', user: 'airflow', kind: 'password' },
  ],
  render: (context, instance) => {
    const known = instances.find((each) => each === instance);
    if (known === undefined) throw new Error(`airflow has no instance ${instance}`);
    return { files: files(context, known), service: service(context, known) };
  },
  endpoints: (context) => [
    {
      component: 'airflow',
      protocol: 'rest',
      url: `${apiUrl(context)}/api/v2`,
      credential: 'airflow.admin',
      description: 'REST API; a token comes from POST /auth/token',
    },
    {
      component: 'airflow',
      protocol: 'ui',
      url: apiUrl(context),
      credential: 'airflow.admin',
      description: 'Web page',
    },
  ],
};

function files(context: RenderContext, instance: Instance): RenderedFile[] {
  const client = clientFiles(context, instance);
  if (instance !== 'airflow-api') return client;
  const passwords = { [context.user('airflow.admin')]: context.secret('airflow.admin') };
  return [
    {
      path: `${context.dir(instance, 'conf')}/passwords.json`,
      content: `${JSON.stringify(passwords)}\n`,
      mode: 0o600,
    },
    ...client,
  ];
}

function service(context: RenderContext, instance: Instance): ServiceSpec {
  return {
    name: instance,
    component: 'airflow',
    prepare: [
      ...(instance === 'airflow-dag-processor' ? [createRepositories(context)] : []),
      migrate(context, instance),
    ],
    command: instance === 'airflow-dag-processor' ? withSync(context) : python(context, instance, processes[instance]),
    stopSignal: 'SIGTERM',
    // The scheduler waits for its tasks; what takes longer is ended and runs again after the next start.
    stopGraceMs: 15_000,
    probe: probe(context, instance),
    startTimeoutMs: 180_000,
    probeIntervalMs: 10_000,
    memoryBytes: mebibytes(context.profile.components.airflow.memoryMiB),
    ...(instance === 'airflow-scheduler' ? { childMemoryBytes: parallelTasks * mebibytes(taskMiB) } : {}),
    nice: 10,
    // The API server locks the file of passwords, which it opens as if to add to it.
    ...(instance === 'airflow-api' ? { opensConfForWriting: true } : {}),
  };
}

const processes = {
  'airflow-api': ['api-server'],
  // Log files are read from the disk that the three share; the server for them would listen on every address.
  'airflow-scheduler': ['scheduler', '--skip-serve-logs'],
  'airflow-dag-processor': ['dag-processor'],
} as const satisfies Record<Instance, readonly string[]>;

function python(context: RenderContext, instance: Instance, args: readonly string[]): CommandSpec {
  return {
    executable: context.python,
    args: [...pythonArguments, ...args],
    env: environment(context, instance),
    cwd: context.dir(instance, 'run'),
  };
}

/** The DAG processor under the loop that keeps the mirror up to date: one goes with the other. */
function withSync(context: RenderContext): CommandSpec {
  const instance = 'airflow-dag-processor';
  const { executable, args, env, cwd } = python(context, instance, processes[instance]);
  return {
    executable: '/bin/sh',
    args: [
      `${context.projectDir('templates')}/airflow/git-sync.sh`,
      originOf(context),
      mirrorOf(context),
      String(fetchIntervalSeconds),
      executable,
      ...args,
    ],
    env: { ...env, GIT_TERMINAL_PROMPT: '0' },
    cwd,
  };
}

/** Once a stack, so that a later start never takes a push back. */
function createRepositories(context: RenderContext): PrepareSpec {
  return {
    title: 'Create the DAG repository',
    command: {
      executable: '/bin/sh',
      args: [
        `${context.projectDir('templates')}/airflow/create-repositories.sh`,
        originOf(context),
        mirrorOf(context),
        context.projectDir('dags-repo'),
        dagBundle.branch,
      ],
      env: {},
      cwd: context.dir('airflow-dag-processor', 'run'),
    },
    marker: `${shared(context)}/git/created`,
  };
}

/** Each of the three may be the first: one of them migrates, the others wait for it and find it done. */
function migrate(context: RenderContext, instance: Instance): PrepareSpec {
  const { root, key } = context.artifact('airflow-python');
  const version = key ?? root.split('/').at(-1) ?? '';
  const done = `${context.dir('airflow-api', 'data')}/database-of-${version}`;
  const { executable, env, cwd } = python(context, instance, []);
  return {
    title: 'Migrate the database',
    command: {
      executable,
      args: [
        `${context.projectDir('templates')}/airflow/once.py`,
        done,
        executable,
        ...pythonArguments,
        'db',
        'migrate',
      ],
      env,
      cwd,
    },
    marker: `${context.dir(instance, 'data')}/migrated-${version}`,
  };
}

function probe(context: RenderContext, instance: Instance): ProbeSpec {
  if (instance === 'airflow-api') {
    const url = `${apiUrl(context)}/api/v2/monitor/health`;
    return { kind: 'http', url, expectStatus: 200, expectBody: '"metadatabase":{"status":"healthy"' };
  }
  // Not by way of the API server, whose failure must restart nobody else; the scheduler's own health server costs 54 MB.
  return {
    kind: 'airflow-job',
    host: context.hostOf('postgres'),
    port: databasePort(context),
    user: context.user('postgres.airflow'),
    password: context.secret('postgres.airflow'),
    database: 'airflow',
    job: instance === 'airflow-scheduler' ? 'SchedulerJob' : 'DagProcessorJob',
    ...authorityIn(context),
  };
}
