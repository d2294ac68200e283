import { archives } from '../components/connect/component.ts';
import { type Connector, declaredConnectors } from '../components/connect/connectors.ts';
import { lake } from '../platform/pipeline.ts';
import { ConnectClient, type ConnectorStatus, type ConnectRestarts } from '../probes/connect.ts';
import { commandFor } from './commands.ts';
import type { Check, CheckContext, Finding } from './contract.ts';
import { brokersOf, causeOf, mendedBy, outcome, plural, schemasOf, some } from './support.ts';

export const connectors: Check = {
  name: 'connectors',
  area: 'data',
  title: 'Connectors and their tasks run, as they are declared',
  needs: ['connect', 'kafka', 'postgres'],
  async run(context) {
    const client = new ConnectClient(await context.endpoint('connect', 'rest'));
    const [declared, restarts] = await Promise.all([connectorsOf(context), client.restarts()]);
    const present = await Promise.all(declared.map((connector) => presentOf(client, connector)));
    const count = present.reduce((sum, { status }) => sum + (status?.tasks.length ?? 0), 0);
    return outcome(`${some(declared.map(({ name }) => name))}: ${plural(count, 'task')} running, set as declared`, [
      ...present.flatMap((each) => connectorFindings(context, client, each)),
      ...restartFindings(context, restarts),
    ]);
  },
};

async function connectorsOf(context: CheckContext): Promise<Connector[]> {
  const { profile } = context;
  const embedded = archives(profile) && profile.lake.storage.kind === 'embedded';
  return declaredConnectors({
    profile,
    shop: await context.endpoint('postgres', 'cdc'),
    catalog: await context.endpoint('postgres', 'lake'),
    brokers: await brokersOf(context),
    objectstore: embedded ? (await context.endpoint('objectstore', 's3')).url : null,
    schemas: await schemasOf(context),
  });
}

const whyOf = (name: string): string =>
  name === lake.connector
    ? 'The lake gets no new records: the batch layer falls behind, and Kafka keeps them for its retention only.'
    : 'Changes of the shop do not reach Kafka, and PostgreSQL keeps their WAL until they do.';

/** A connector as it is declared, and as Connect has it; null where it has none. */
interface PresentConnector extends Connector {
  status: ConnectorStatus | null;
  present: Readonly<Record<string, string>> | null;
}

async function presentOf(client: ConnectClient, connector: Connector): Promise<PresentConnector> {
  const [status, present] = await Promise.all([client.status(connector.name), client.config(connector.name)]);
  return { ...connector, status, present };
}

function connectorFindings(
  context: CheckContext,
  client: ConnectClient,
  { name, config, status, present }: PresentConnector,
): Finding[] {
  const fix = mendedBy(context, 'connectors');
  const put = async () => {
    const change = await client.put(name, config);
    const tasks = await client.waitUntilRunning(name, AbortSignal.timeout(60_000));
    return `${name} ${change}, ${plural(tasks, 'task')} running`;
  };
  if (status === null || present === null) {
    return [{ severity: 'error', what: `Connector ${name} is missing`, why: whyOf(name), fix, mend: put }];
  }
  const findings: Finding[] = [];
  const differing = [...new Set([...Object.keys(config), ...Object.keys(present)])].filter(
    (key) => key !== 'name' && config[key] !== present[key],
  );
  if (differing.length > 0) {
    findings.push({
      severity: 'warning',
      what: `Connector ${name} is set differently from what \`up\` puts: ${some(differing.toSorted(), 4)}`,
      why: 'It does not do what the profile and schemas/ say, and the next `up` changes it back.',
      fix,
      mend: put,
    });
  }
  const states = [
    { what: `Connector ${name}`, ...status.connector },
    ...status.tasks.map((task) => ({ what: `Task ${task.id} of connector ${name}`, ...task })),
  ];
  const failed = states.find(({ state }) => state === 'FAILED');
  if (failed !== undefined) {
    findings.push({
      severity: 'error',
      what: `${failed.what} has FAILED: ${causeOf(failed.trace ?? 'no trace')}`,
      why: whyOf(name),
      fix,
      mend: async () => {
        await client.restartFailed(name);
        return `${plural(await client.waitUntilRunning(name, AbortSignal.timeout(60_000)), 'task')} of ${name} running`;
      },
    });
  } else if (status.connector.state === 'PAUSED' || status.connector.state === 'STOPPED') {
    findings.push({
      severity: 'error',
      what: `Connector ${name} is ${status.connector.state}`,
      why: whyOf(name),
      fix,
      mend: async () => {
        await client.resume(name);
        return `${plural(await client.waitUntilRunning(name, AbortSignal.timeout(60_000)), 'task')} of ${name} running`;
      },
    });
  } else if (status.tasks.length === 0) {
    findings.push({
      severity: 'error',
      what: `Connector ${name} has no task (state ${status.connector.state})`,
      why: whyOf(name),
      fix: { command: commandFor(context, 'restart connect'), safe: true },
    });
  }
  return findings;
}

const recentMs = 3_600_000;

/** The worker mends failed tasks by itself; that it had to, lately and often, is worth a word. */
function restartFindings(context: CheckContext, restarts: Readonly<Record<string, ConnectRestarts>>): Finding[] {
  return Object.entries(restarts).flatMap(([name, { restarts: count, lastAt, lastError }]) => {
    if (count < 3 || lastAt === null || context.now - Date.parse(lastAt) > recentMs) return [];
    return [
      {
        severity: 'warning' as const,
        what: `${name} was restarted ${plural(count, 'time')} by its worker, last at ${lastAt}: ${causeOf(lastError ?? 'no reason told')}`,
        why: 'Each restart reads from the last commit again; nothing is lost, but the lake stays behind.',
        fix: { command: commandFor(context, 'logs connect'), safe: false },
      },
    ];
  });
}
