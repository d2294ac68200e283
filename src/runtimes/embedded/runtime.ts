import type { ComponentDefinition, Endpoint, JobDefinition } from '../../components/contract.ts';
import { externalError, LambdaError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { ServiceStatus } from '../../core/service-spec.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { updateDesired } from '../../state/desired.ts';
import { readObserved } from '../../state/observed.ts';
import { type StackPaths, stackPaths } from '../../state/paths.ts';
import { readSecrets } from '../../state/secrets.ts';
import type { SupervisorClient } from '../../supervisor/client.ts';
import { isActive } from '../../supervisor/machine.ts';
import { leftovers, supervisorAlive } from '../../supervisor/reap.ts';
import { connectInfo, endpointOf } from '../connect-info.ts';
import type {
  ConnectInfo,
  DesiredStack,
  JobRequest,
  JobResult,
  LogLine,
  LogQuery,
  ObservedStack,
  PlanItem,
  Runtime,
} from '../contract.ts';
import { removeStackFiles } from '../stack-files.ts';
import { loadTemplates } from '../templates.ts';
import { readWanted, type Wanted } from '../wanted.ts';
import { SupervisorLink } from './connection.ts';
import { definitionOf, type EmbeddedOptions, renderContext } from './context.ts';
import { runJob } from './jobs.ts';
import { readLogs } from './logs.ts';
import { observeStack } from './observe.ts';
import { checkNames, type PlannedInstance, planInstance, writeInstance } from './orders.ts';
import { planStack } from './plan.ts';
import { waitUntilHealthy } from './wait.ts';

/** Components as supervised processes of this machine (docs/adr/0002). Callers hold the stack's lock for what changes. */
export function createEmbeddedRuntime(options: EmbeddedOptions): Runtime {
  return new EmbeddedRuntime(options);
}

class EmbeddedRuntime implements Runtime {
  readonly kind = 'embedded';
  private readonly options: EmbeddedOptions;
  private readonly paths: StackPaths;
  private readonly link: SupervisorLink;

  constructor(options: EmbeddedOptions) {
    this.options = options;
    this.paths = stackPaths(options.home, options.stack);
    this.link = new SupervisorLink(options, this.paths);
  }

  async plan(desired: DesiredStack): Promise<PlanItem[]> {
    return planStack(desired, await this.observe(), (definition) => this.hashes(desired, definition));
  }

  /** Spec hashes by instance as they would be started now; null when that cannot be told before `up` has decided. */
  private async hashes(desired: DesiredStack, definition: ComponentDefinition): Promise<Map<string, string> | null> {
    try {
      const wanted = { ...(await readWanted(this.paths)), profile: desired.profile };
      const planned = await this.planComponent(definition, wanted);
      return new Map(planned.map(({ instance, order }) => [instance, order.specHash]));
    } catch {
      return null;
    }
  }

  async start(component: ComponentName, context: OperationContext): Promise<void> {
    const definition = definitionOf(this.options, component);
    const planned = await this.planComponent(definition, await readWanted(this.paths));
    await this.rememberAccounts(planned);
    for (const instance of planned) await writeInstance(instance, this.paths);
    context.signal.throwIfAborted();
    await this.link.running(context.signal, async (client) => {
      await this.stopOthers(client, component, planned);
      await Promise.all(planned.map(({ order }) => client.ensure(order)));
      await waitUntilHealthy(
        client,
        component,
        planned.map(({ instance }) => instance),
        context,
      );
    });
  }

  /** A data directory keeps the account it was made under. */
  private async rememberAccounts(planned: readonly PlannedInstance[]): Promise<void> {
    const special = planned.filter(({ order }) => order.account.kind !== 'own');
    if (special.length === 0) return;
    const accounts = Object.fromEntries(special.map(({ instance, order }) => [instance, order.account]));
    await updateDesired(this.paths, (present) => ({ accounts: { ...present.accounts, ...accounts } }));
  }

  /** Instances that an earlier profile had and this one has not. */
  private async stopOthers(client: SupervisorClient, component: string, planned: readonly PlannedInstance[]) {
    const { services } = await client.status();
    const names = planned.map(({ instance }) => instance);
    const extra = services.filter((each) => each.component === component && !names.includes(each.name));
    if (extra.length > 0) await client.stop(extra.map(({ name }) => name));
  }

  private async planComponent(definition: ComponentDefinition, wanted: Wanted): Promise<PlannedInstance[]> {
    const template = await loadTemplates(`${this.options.projectRoot}/templates`);
    const context = renderContext(this.options, this.paths, wanted, template);
    const planned: PlannedInstance[] = [];
    for (const instance of definition.instances(wanted.profile)) {
      const plan = await planInstance(definition, instance, context, wanted.desired);
      checkNames(plan.plan.service, instance, definition);
      planned.push(plan);
    }
    return planned;
  }

  async stop(components: readonly ComponentName[] | undefined, context: OperationContext): Promise<void> {
    const record = await readObserved(this.paths);
    try {
      const ended = await this.link.ifRunning(async (client) => {
        const { services } = await client.status();
        for (const names of this.levels(services, components)) {
          context.signal.throwIfAborted();
          await client.stop(names);
        }
        const left = (await client.status()).services.filter(({ state }) => isActive(state));
        if (left.length > 0) return 'partly';
        await client.shutdown();
        return 'wholly';
      });
      if (ended === 'wholly') await this.link.waitForEnd(record);
      // No supervisor: what a killed one left must go before anything else can be right.
      if (ended === null) await this.link.endForcibly();
    } catch (error) {
      const code = error instanceof LambdaError ? error.code : null;
      const mute = components === undefined && (code === 'SUPERVISOR_SILENT' || code === 'SUPERVISOR_VERSION');
      if (!mute && code !== 'SUPERVISOR_GONE') throw error;
      await this.link.endForcibly();
    }
  }

  /** Names of the services to stop, those on which nothing else depends first. */
  private levels(services: readonly ServiceStatus[], components: readonly string[] | undefined): string[][] {
    const depth = (name: string): number => {
      const needs = this.options.components.find((definition) => definition.name === name)?.dependsOn ?? [];
      return needs.length === 0 ? 0 : 1 + Math.max(...needs.map(depth));
    };
    const chosen = services.filter(
      ({ component, state }) => isActive(state) && (components?.includes(component) ?? true),
    );
    const levels = new Map<number, string[]>();
    for (const { name, component } of chosen) {
      const level = depth(component);
      levels.set(level, [...(levels.get(level) ?? []), name]);
    }
    return [...levels].sort(([a], [b]) => b - a).map(([, names]) => names);
  }

  observe(): Promise<ObservedStack> {
    return observeStack(this.paths, this.link);
  }

  async endpoint(component: ComponentName, protocol: string): Promise<ConnectInfo> {
    const wanted = await readWanted(this.paths);
    const known = { definitions: this.options.components, endpoints: this.endpointsOf(wanted) };
    const found = endpointOf(wanted, known, component, protocol);
    return connectInfo(found, wanted.credentials);
  }

  inside(component: ComponentName, protocol: string): Promise<ConnectInfo> {
    return this.endpoint(component, protocol);
  }

  async endpoints(): Promise<readonly Endpoint[]> {
    return this.endpointsOf(await readWanted(this.paths));
  }

  private endpointsOf(wanted: Wanted): readonly Endpoint[] {
    const context = renderContext(this.options, this.paths, wanted);
    return this.options.components
      .filter(({ name }) => wanted.desired.components.includes(name))
      .flatMap((definition) => definition.endpoints(context));
  }

  async account(name: 's3' | 'snowflake') {
    return (await readSecrets(this.paths))[`account.${name}`] ?? null;
  }

  run(job: JobDefinition, request: JobRequest, context: OperationContext): Promise<JobResult> {
    return runJob(this.options, this.paths, job, request, context);
  }

  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(this.paths, query, signal);
  }

  async destroy(context: OperationContext): Promise<void> {
    context.signal.throwIfAborted();
    const record = await readObserved(this.paths);
    if (record !== null && (supervisorAlive(record) || leftovers(record).length > 0)) {
      throw externalError(`Stack "${this.paths.stack}" still runs.`, {
        code: 'STACK_RUNNING',
        actions: ['Stop it first: lambdactl down'],
      });
    }
    await removeStackFiles(this.paths);
  }
}

/** Process ids of the stack, for telling our own ports from others'. Works without a supervisor. */
export async function ownProcesses(home: string, stack: string): Promise<ReadonlySet<number>> {
  const record = await readObserved(stackPaths(home, stack));
  return new Set(record === null ? [] : leftovers(record).map(({ pid }) => pid));
}
