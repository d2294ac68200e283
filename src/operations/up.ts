import { setTimeout as sleep } from 'node:timers/promises';
import { catalogue } from '../components/catalogue.ts';
import { type ArtifactName, type ComponentDefinition, dependenciesOf } from '../components/contract.ts';
import { LambdaError, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { runByDependency } from '../core/graph.ts';
import type { UpReport } from '../core/reports.ts';
import type { ComponentName } from '../platform/pipeline.ts';
import type { Profile } from '../platform/profile.ts';
import type { ClusterRef } from '../state/desired.ts';
import { loadKindImages, makeKindCluster } from './cluster-stack.ts';
import { checkMachine } from './preflight.ts';
import { loadProfile } from './profiles.ts';
import { provision } from './provision/index.ts';
import { chooseRuntime, confirmCluster, type RuntimeName } from './runtime-choice.ts';
import { selectComponents } from './selection.ts';
import { type Choice, type OpenStack, openStack, projectRoot, type StackRef } from './stack.ts';
import { finalReport, plannedReport } from './up-report.ts';

export interface UpRequest extends StackRef {
  /** Name or file; the stack's own, else lite, when absent. */
  profile: string | undefined;
  runtime: RuntimeName;
  /** Context of the kubeconfig, for --runtime kubernetes. */
  context: string | undefined;
  /** Answers a question of the user's; false where nobody can. */
  confirm(question: string): Promise<boolean>;
  only: readonly string[];
  without: readonly string[];
  dryRun: boolean;
  /** Fixed ports by id. */
  ports: Readonly<Record<string, number>>;
  anyPort: boolean;
  force: boolean;
}

/**
 * Desired against observed, step by step, each step idempotent: run again it repairs what differs and leaves the rest.
 * @throws LambdaError of category usage or preflight before anything was changed; external when a component does not start
 */
export async function up(request: UpRequest, outer: OperationContext): Promise<UpReport> {
  const started = performance.now();
  const stack = await openStack(request);
  const profile =
    request.profile === undefined ? (stack.profile ?? (await loadProfile('lite'))) : await loadProfile(request.profile);
  refuseBrokerChange(stack, profile);
  const components = selectComponents(catalogue, request.only, request.without, profile);
  checkPortIds(request, components, profile);
  const choice = { profile, components, ports: request.ports, anyPort: request.anyPort };
  const runtime = await chosenRuntime(request, stack, choice, outer);
  if (request.runtime === 'auto' && !request.dryRun)
    outer.emit({ type: 'log', level: 'info', message: `Runtime: ${runtime.reason}.` });
  if (request.dryRun) return dryRun({ ...request, reason: runtime.reason }, stack, choice, outer);
  await confirmChange(request, stack, outer);
  return stack.exclusively('up', outer, async (context) => {
    const readyMs = new Map<string, number>();
    if (runtime.cluster === null) await prepareMachine(request, stack, choice, context);
    else await prepareStack(request, stack, choice, runtime.cluster, context);
    await step(context, { id: 'start', title: 'Start' }, async () => {
      await runByDependency(
        components.map(({ name }) => name),
        (name) => predecessors(components, name, profile),
        async (name) => {
          await bringUp(stack, profile, name, context);
          readyMs.set(name, performance.now() - started);
        },
      );
      return { value: undefined };
    });
    return finalReport({ ...request, reason: runtime.reason }, stack, profile, components, { started, readyMs });
  });
}

/** @throws LambdaError RUNTIME_CHANGED, CONTEXT_NEEDED */
async function chosenRuntime(
  request: UpRequest,
  stack: OpenStack,
  { profile, components }: Choice,
  { signal }: OperationContext,
) {
  const { home, name, present } = stack;
  const around = {
    stack: name,
    home,
    projectRoot,
    present,
    profile,
    components: components.map((each) => each.name),
    signal,
  };
  const choice = await chooseRuntime(request, around);
  await stack.choose(choice);
  return choice;
}

/** A cluster of our own needs no asking, and one that was agreed to before is not asked for again. @throws LambdaError CONFIRMATION_NEEDED */
async function confirmChange(
  { confirm }: UpRequest,
  { cluster, name, present }: OpenStack,
  { signal }: OperationContext,
): Promise<void> {
  if (cluster === null || cluster.kind !== null || present !== null) return;
  await confirmCluster(cluster, name, confirm, signal);
}

/** Embedded: the machine is looked at, artifacts are installed. */
async function prepareMachine(
  request: UpRequest,
  stack: OpenStack,
  choice: Choice,
  context: OperationContext,
): Promise<void> {
  const { components } = choice;
  const outcome = await tellMissing(stack, components, context);
  announce(components, ['install', 'Artifacts'], context);
  await step(context, { id: 'check', title: 'Check the machine' }, async () => ({
    value: undefined,
    detail: await checkMachine({ ...choice, stack, force: request.force }, context),
  }));
  await stack.desire(choice);
  await install(stack, components, outcome, context);
}

/** In a cluster: what must be there before anything starts. */
async function prepareStack(
  request: UpRequest,
  stack: OpenStack,
  choice: Choice,
  cluster: ClusterRef,
  context: OperationContext,
): Promise<void> {
  const { profile, components } = choice;
  const { kind } = cluster;
  announce(components, kind === null ? null : ['kind', `Cluster ${kind}`], context);
  const ports = await step(context, { id: 'check', title: 'Check ports' }, async () => ({
    value: await stack.planPorts(kind === null ? choice : { ...choice, components: catalogue }),
    detail: `context ${cluster.context}`,
  }));
  const { confirm, force } = request;
  const wish = { stack, projectRoot, profile, components: components.map(({ name }) => name), force, confirm };
  // Decided only when there is a cluster: what cannot be had here leaves the choice of another runtime.
  if (kind !== null) await makeKindCluster(kind, wish, ports, context);
  await stack.desire(choice, ports);
  if (kind !== null) await loadKindImages(kind, wish, context);
}

/** Components that are ready before this one starts. */
function predecessors(components: readonly ComponentDefinition[], name: ComponentName, profile: Profile) {
  const definition = components.find((component) => component.name === name);
  return definition === undefined ? [] : [...dependenciesOf(definition, profile), ...(definition.startsAfter ?? [])];
}

/** Voters and replicas are settled when the cluster's storage is formatted. */
function refuseBrokerChange({ profile: present }: OpenStack, { kafka: { brokers } }: Profile): void {
  if (present === null || present.kafka.brokers === brokers) return;
  throw usageError(
    `This stack's Kafka has ${present.kafka.brokers} broker(s); its data cannot be taken to ${brokers}.`,
    {
      code: 'BROKERS_CHANGED',
      actions: [
        'Bring the other profile up as a stack of its own: --stack NAME',
        'Or begin anew: lambdactl down --volumes',
      ],
    },
  );
}

async function bringUp(
  stack: OpenStack,
  profile: Profile,
  name: ComponentDefinition['name'],
  context: OperationContext,
) {
  await step(context, { id: `start/${name}`, title: name, parent: 'start' }, async () => {
    await stack.runtime.start(name, context);
    const detail = await provisionPatiently(stack, name, profile, context);
    const memoryBytes = await stack.memoryInUse(name);
    return { value: undefined, detail, ...(memoryBytes === null ? {} : { memoryBytes }) };
  });
}

/** How long the way into a cluster may lead to a pod that is gone, ms: the rules of its Service follow its pods. */
const clusterPatienceMs = 60_000;

/** What provisioning does may be done again. Within this machine who is ready answers; the way into a cluster may be behind. */
async function provisionPatiently(
  stack: OpenStack,
  name: ComponentName,
  profile: Profile,
  context: OperationContext,
): Promise<string> {
  const end = performance.now() + (stack.cluster === null ? 0 : clusterPatienceMs);
  for (;;) {
    try {
      return await provision(name, { runtime: stack.runtime, profile, projectRoot }, context);
    } catch (error) {
      if (!(error instanceof LambdaError) || !error.retryable || performance.now() > end) throw error;
      await sleep(1000, undefined, { signal: context.signal });
    }
  }
}

/** Said before anything else: what is missing, and how big it is. */
async function tellMissing(stack: OpenStack, components: readonly ComponentDefinition[], { emit }: OperationContext) {
  const missing = await stack.artifacts.missing(artifactsOf(components));
  const megabytes = (size: 'downloadBytes' | 'installedBytes') =>
    Math.round(missing.reduce((total, each) => total + each[size], 0) / 1e6);
  if (missing.length === 0) return 'all installed';
  const size = `${megabytes('downloadBytes')} MB to download, ${megabytes('installedBytes')} MB on disk`;
  const names = missing.map(({ name }) => name).join(', ');
  emit({ type: 'log', level: 'info', message: `To install: ${names} (${size}, shared by all stacks).` });
  return `installed ${missing.length}`;
}

async function install(
  stack: OpenStack,
  components: readonly ComponentDefinition[],
  outcome: string,
  context: OperationContext,
) {
  await step(context, { id: 'install', title: 'Artifacts' }, async () => {
    await stack.install(artifactsOf(components), context);
    return { value: undefined, detail: outcome };
  });
}

/** The whole tree is known before it begins; the live view draws it at once. */
function announce(
  components: readonly ComponentDefinition[],
  second: readonly [id: string, title: string] | null,
  { emit }: OperationContext,
): void {
  emit({
    type: 'step',
    id: 'check',
    title: second?.[0] === 'install' ? 'Check the machine' : 'Check ports',
    status: 'pending',
  });
  if (second !== null) emit({ type: 'step', id: second[0], title: second[1], status: 'pending' });
  emit({ type: 'step', id: 'start', title: 'Start', status: 'pending' });
  for (const { name } of components) {
    emit({ type: 'step', id: `start/${name}`, title: name, parent: 'start', status: 'pending' });
  }
}

export function artifactsOf(components: readonly ComponentDefinition[]): ArtifactName[] {
  return [...new Set(components.flatMap(({ artifacts }) => artifacts))];
}

function checkPortIds({ ports }: UpRequest, components: readonly ComponentDefinition[], profile: Profile): void {
  const known = components.flatMap((component) => component.ports(profile)).map(({ id }) => id);
  const unknown = Object.keys(ports).find((id) => !known.includes(id));
  if (unknown === undefined) return;
  throw usageError(`--port ${unknown}=…: there is no such port.`, {
    code: 'BAD_PORT',
    actions: [`Ports: ${known.join(', ')}.`],
  });
}

async function dryRun(
  request: UpRequest & { reason: string },
  stack: OpenStack,
  choice: Choice,
  context: OperationContext,
): Promise<UpReport> {
  const started = performance.now();
  const { profile, components } = choice;
  const embedded = stack.cluster === null;
  if (embedded) await checkMachine({ ...choice, stack, force: request.force }, context);
  const ports = await stack.planPorts(choice);
  const missing = embedded ? await stack.artifacts.missing(artifactsOf(components)) : [];
  // What is installed can be compared in full: config and start spec are rendered with its paths.
  if (missing.length === 0) await stack.install(artifactsOf(components), context);
  return {
    ...plannedReport(request, stack, profile),
    plan: await stack.runtime.plan({ stack: stack.name, profile, components }),
    install: missing,
    ports,
    elapsedMs: performance.now() - started,
  };
}
