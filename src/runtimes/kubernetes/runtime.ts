import type { ComponentDefinition, Endpoint, JobDefinition } from '../../components/contract.ts';
import { LambdaError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { readDesired } from '../../state/desired.ts';
import { type StackPaths, stackPaths } from '../../state/paths.ts';
import { readSecrets } from '../../state/secrets.ts';
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
import { readWanted, type Wanted } from '../wanted.ts';
import { ClusterClient } from './client.ts';
import { namespaceOf } from './context.ts';
import { forwardsFor, outsideEndpoints } from './endpoints.ts';
import { Forwards } from './forward.ts';
import { isInCluster } from './in-cluster.ts';
import { Inventory } from './inventory.ts';
import { kindMappings } from './kind-ownership.ts';
import { readLogs } from './logs.ts';
import { namespacesOf } from './namespaces.ts';
import { observeCluster } from './observe.ts';
import { type KubernetesOptions, renderOptions, stopOrder } from './options.ts';
import { untilOutsideAnswers } from './outside-ready.ts';
import { planCluster } from './plan.ts';
import { clusterContext, type RenderedCluster, renderCluster, renderJob } from './render.ts';
import { newRunId, refuseLocalFiles, runJobInCluster } from './run-job.ts';
import { destroyInCluster, destroyKind } from './runtime-destroy.ts';
import { installAddons, prepareBase, type StartScope, startComponent } from './runtime-start.ts';
import { endRuns, stopComponent } from './runtime-stop.ts';

/** Never aborted: the contract's questions have no signal, and every request has its own limit. */
const noSignal = new AbortController().signal;

/** Components as pods of a cluster (docs/adr/0023). Callers hold the stack's lock for what changes. */
export function createKubernetesRuntime(options: KubernetesOptions): Runtime {
  return new KubernetesRuntime(options);
}

class KubernetesRuntime implements Runtime {
  readonly kind = 'kubernetes';
  private readonly options: KubernetesOptions;
  private readonly paths: StackPaths;
  private opened: Promise<ClusterClient> | null = null;
  private base: Promise<void> | null = null;
  private forwards: Forwards | null = null;

  constructor(options: KubernetesOptions) {
    this.options = options;
    this.paths = stackPaths(options.home, options.stack);
  }

  async plan(desired: DesiredStack): Promise<PlanItem[]> {
    const client = await this.clientIfMade();
    if (client === null) return desired.components.flatMap((definition) => notMade(definition, desired.profile));
    const observed = await this.observe();
    return planCluster(client, desired, await this.rendered(desired), observed, noSignal);
  }

  /** What `start` would apply; null when that cannot be told before `up` has decided. */
  private async rendered({ profile, components }: DesiredStack): Promise<RenderedCluster | null> {
    try {
      const wanted = { ...(await readWanted(this.paths)), profile };
      const options = await renderOptions(this.options, wanted, await this.options.imageTag());
      return renderCluster({ ...options, components });
    } catch {
      return null;
    }
  }

  async start(component: ComponentName, context: OperationContext): Promise<void> {
    const scope = await this.scope();
    // Components start side by side; one of them makes what all of them lie in.
    this.base ??= prepareBase(scope, context);
    await this.base.catch((error: unknown) => {
      this.base = null;
      throw error;
    });
    // What nothing waits for goes along with the component that comes last.
    const isLast = [...scope.rendered.components.keys()].at(-1) === component;
    await Promise.all([startComponent(scope, component, context), isLast ? installAddons(scope, context) : null]);
    await untilOutsideAnswers(await this.mappedPorts(component), context.signal);
  }

  /** Whether a port of this machine leads into the cluster without us. */
  private mappings(): Promise<(port: number) => boolean> {
    const { cluster, home } = this.options;
    return cluster.kind === null ? Promise.resolve(() => false) : kindMappings(home, cluster.kind);
  }

  /** Ports of this machine that kind maps to a component. */
  private async mappedPorts(component: ComponentName): Promise<number[]> {
    const { endpoints } = await this.outside(await readWanted(this.paths));
    const urls = endpoints.filter((each) => each.component === component).map(({ url }) => url);
    const isMapped = await this.mappings();
    return urls
      .flatMap((url) => [...url.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)))
      .filter(isMapped);
  }

  private async scope(): Promise<StartScope> {
    const wanted = await readWanted(this.paths);
    const client = await this.client();
    const options = await renderOptions(this.options, wanted, await this.imageTag(wanted));
    const inventory = this.inventory(client, wanted);
    const known = await inventory.read(noSignal);
    const present = this.options.components.filter(({ name }) => known.has(name));
    return {
      client,
      inventory,
      render: options,
      rendered: renderCluster(options, present),
      options: this.options,
    };
  }

  /** As the stack was brought up: the images of a lambdactl that has been upgraded since are not in the cluster yet. */
  private async imageTag({ desired }: Wanted): Promise<string> {
    return desired.pins.images ?? (await this.options.imageTag());
  }

  private inventory(client: ClusterClient, { profile }: Wanted): Inventory {
    return new Inventory(client, this.options.stack, profile.kubernetes.namespaces.data);
  }

  async stop(components: readonly ComponentName[] | undefined, { signal }: OperationContext): Promise<void> {
    if ((await readDesired(this.paths)) === null) return;
    const wanted = await readWanted(this.paths);
    const client = await this.client();
    const inventory = await this.inventory(client, wanted).read(signal);
    const chosen = this.chosen(wanted).filter(({ name }) => components?.includes(name) ?? true);
    if (components === undefined) {
      const namespace = wanted.profile.kubernetes.namespaces.processing;
      await endRuns(client, { stack: this.options.stack, namespace }, signal);
    }
    for (const names of stopOrder(chosen, wanted.profile)) {
      signal.throwIfAborted();
      const { stack } = this.options;
      await Promise.all(
        names.map((component) => {
          const namespace = namespaceOf(component, wanted.profile);
          return stopComponent(client, { stack, component, namespace }, inventory.get(component) ?? [], signal);
        }),
      );
    }
    if (components === undefined) this.forwards?.close();
  }

  private chosen({ desired }: Wanted): readonly ComponentDefinition[] {
    return this.options.components.filter(({ name }) => desired.components.includes(name));
  }

  async observe(): Promise<ObservedStack> {
    const { stack } = this.options;
    const nothing = { stack, supervisorPid: null, supervisorPssBytes: null, services: [] };
    if ((await readDesired(this.paths)) === null) return { ...nothing, profile: null };
    const { profile } = await readWanted(this.paths);
    const client = await this.clientIfMade();
    if (client === null) return { ...nothing, profile: profile.name };
    return observeCluster(client, { stack, namespaces: namespacesOf({ profile }) }, profile.name, noSignal);
  }

  async endpoint(component: ComponentName, protocol: string): Promise<ConnectInfo> {
    const wanted = await readWanted(this.paths);
    const { endpoints, open } = await this.outside(wanted);
    const found = endpointOf(wanted, { definitions: this.options.components, endpoints }, component, protocol);
    await open([found]);
    return connectInfo(found, wanted.credentials);
  }

  async endpoints(): Promise<readonly Endpoint[]> {
    const { endpoints, open } = await this.outside(await readWanted(this.paths));
    // Who looks at all of them need not reach all of them: a port that somebody else holds is told by `endpoint`.
    for (const each of endpoints) {
      await open([each]).catch((error: unknown) => {
        if (!(error instanceof LambdaError)) throw error;
      });
    }
    return endpoints;
  }

  /** Endpoints of this machine, and how to open them: kind maps those that it was made with, others are led in as long as this process lives. */
  private async outside(wanted: Wanted) {
    const { ports } = wanted.desired;
    const components = this.chosen(wanted);
    const context = clusterContext(await renderOptions(this.options, wanted, ''));
    // Within the cluster services are reached by their names.
    if (isInCluster(this.options.cluster.context)) {
      return { endpoints: components.flatMap((each) => each.endpoints(context)), open: async () => {} };
    }
    const open = async (endpoints: readonly Endpoint[]) => {
      const isMapped = await this.mappings();
      for (const { port, target } of forwardsFor(endpoints, components, context, ports)) {
        if (isMapped(port)) continue;
        this.forwards ??= new Forwards(await this.client(), this.paths.runDir);
        await this.forwards.ensure(port, target);
      }
    };
    return { endpoints: outsideEndpoints(components, context, ports), open };
  }

  async inside(component: ComponentName, protocol: string): Promise<ConnectInfo> {
    const wanted = await readWanted(this.paths);
    const context = clusterContext(await renderOptions(this.options, wanted, ''));
    const endpoints = this.chosen(wanted).flatMap((each) => each.endpoints(context));
    return connectInfo(
      endpointOf(wanted, { definitions: this.options.components, endpoints }, component, protocol),
      wanted.credentials,
    );
  }

  async account(name: 's3' | 'snowflake') {
    return (await readSecrets(this.paths))[`account.${name}`] ?? null;
  }

  async run(job: JobDefinition, request: JobRequest, { signal }: OperationContext): Promise<JobResult> {
    refuseLocalFiles(job, request, this.paths.stackDir);
    const wanted = await readWanted(this.paths);
    const options = await renderOptions(this.options, wanted, await this.imageTag(wanted));
    const objects = renderJob(options, job, request.args, newRunId());
    return runJobInCluster(
      await this.client(),
      { job, request, objects, logFile: `${this.paths.logDir}/${job.name}.log` },
      signal,
    );
  }

  async *logs(query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    const { profile } = await readWanted(this.paths);
    yield* readLogs(
      await this.client(),
      { stack: this.options.stack, namespaces: namespacesOf({ profile }) },
      query,
      signal,
    );
  }

  async destroy(context: OperationContext): Promise<void> {
    context.signal.throwIfAborted();
    this.forwards?.close();
    if (this.options.cluster.kind !== null) await destroyKind(this.options, this.options.cluster.kind, context);
    else if ((await readDesired(this.paths)) !== null) {
      const { profile } = await readWanted(this.paths);
      await destroyInCluster({ ...this.options, client: () => this.client(), profile }, context);
    }
    await removeStackFiles(this.paths);
  }

  /** null of a kind cluster that is not made yet, or was deleted by hand. */
  private async clientIfMade(): Promise<ClusterClient | null> {
    try {
      return await this.client();
    } catch (error) {
      const absent = error instanceof LambdaError && error.code === 'CONTEXT_UNKNOWN';
      if (absent && this.options.cluster.kind !== null) return null;
      throw error;
    }
  }

  private client(): Promise<ClusterClient> {
    const opening = this.opened ?? ClusterClient.open(this.options.cluster.context, this.options.kubeconfig);
    this.opened = opening;
    opening.catch(() => {
      this.opened = null;
    });
    return opening;
  }
}

function notMade({ name, instances }: ComponentDefinition, profile: Profile): PlanItem[] {
  return instances(profile).map((instance) => ({
    component: name,
    instance,
    action: 'start',
    reason: 'there is no cluster yet',
  }));
}
