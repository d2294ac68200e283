import { setTimeout as delay } from 'node:timers/promises';
import type { HelmRelease, KubernetesObject } from '../../components/kubernetes.ts';
import { comesAfter } from '../../components/operators/index.ts';
import { externalError, LambdaError } from '../../core/errors.ts';
import type { OperationContext } from '../../core/events.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import { applyComponent } from './apply.ts';
import { type ClusterClient, nameOf, type ObjectRef } from './client.ts';
import { deliveryOf } from './context.ts';
import { guardComponent, isGuard } from './guards.ts';
import { type Inventory, releaseRef } from './inventory.ts';
import { baseComponent } from './labels.ts';
import { type KubernetesOptions, openHelm } from './options.ts';
import { type ClusterRenderOptions, clusterContext, type RenderedCluster } from './render.ts';
import { resume } from './runtime-stop.ts';
import { waitUntilReady } from './wait.ts';

/** What starting a component works with. */
export interface StartScope {
  client: ClusterClient;
  inventory: Inventory;
  render: ClusterRenderOptions;
  rendered: RenderedCluster;
  options: KubernetesOptions;
}

/** The API server takes a moment to serve what a chart has just declared. */
const kindsMs = 60_000;
/** Of an operator, which tells of each step itself. */
const operatorTimeoutMs = 10 * 60_000;

/** Namespaces, accounts and policies: what everything else lies in. @throws LambdaError NAME_TAKEN, CLUSTER_… */
export async function prepareBase(
  { client, inventory, render: { stack }, rendered }: StartScope,
  { signal, emit }: OperationContext,
): Promise<void> {
  const objects = rendered.base.filter((object) => !isGuard(object));
  await applyComponent(client, inventory, { stack, component: baseComponent, objects }, signal);
  const guards = rendered.base.filter(isGuard);
  try {
    await applyComponent(client, inventory, { stack, component: guardComponent, objects: guards }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LambdaError)) throw error;
    // An older cluster does not know such rules, and who is no administrator may not set them; everything works without.
    const message = `Who may start jobs is not held to them (docs/kubernetes-objects.md): ${error.message.split('\n', 1)[0]}`;
    emit({ type: 'warning', message });
  }
}

/**
 * Charts that belong to no component. Nothing of the pipeline needs them, so what cannot be had (no network, no Helm, somebody else's
 * installation) is told and stops nobody.
 */
export async function installAddons(scope: StartScope, context: OperationContext): Promise<void> {
  const { client, inventory, render, rendered } = scope;
  const { signal, emit } = context;
  for (const { name, releases, objects } of rendered.addons) {
    try {
      await prepareReleases(scope, { component: name, releases, objects }, signal);
      await installReleases(scope, name, releases, context);
      await waitForKinds(client, objects, signal);
      const request = { stack: render.stack, component: name, objects, releases: releases.map(releaseRef) };
      await applyComponent(client, inventory, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LambdaError)) throw error;
      emit({ type: 'warning', message: `${name} is not installed: ${error.message.split('\n', 1)[0]}` });
    }
  }
}

/** Applies what a component consists of and waits until it does its work. Idempotent; what runs as it is to be is left alone. */
export async function startComponent(
  scope: StartScope,
  component: ComponentName,
  context: OperationContext,
): Promise<void> {
  const { client, inventory, render, rendered } = scope;
  const { signal } = context;
  const found = rendered.components.get(component);
  if (found === undefined) throw new Error(`component ${component} was not rendered`);
  const { releases, objects } = found;
  await prepareReleases(scope, { component, releases, objects }, signal);
  await installReleases(scope, component, releases, context);
  await waitForKinds(client, objects, signal);
  const request = { stack: render.stack, component, objects, releases: releases.map(releaseRef) };
  const { created, changed, pruned } = await applyComponent(client, inventory, request, signal);
  await resume(client, objects, signal);
  tell(component, { created, changed, pruned }, context);
  const namespace = clusterContext(render).namespaceOf(component);
  const byOperator = deliveryOf(component, render.profile) !== null;
  const startTimeoutMs = byOperator ? operatorTimeoutMs : timeoutOf(component, render);
  await waitUntilReady(client, { stack: render.stack, component, namespace, objects, startTimeoutMs }, context);
}

/** The longest that one of its instances may take, preparations included. */
function timeoutOf(component: ComponentName, render: ClusterRenderOptions): number {
  const context = clusterContext(render);
  const definition = render.components.find(({ name }) => name === component);
  const plans = (definition?.instances(render.profile) ?? []).map((instance) => definition?.render(context, instance));
  return Math.max(
    ...plans.map((plan) => (plan?.service.startTimeoutMs ?? 0) * (1 + (plan?.service.prepare.length ?? 0))),
  );
}

function tell(
  component: string,
  done: Record<'created' | 'changed' | 'pruned', readonly string[]>,
  { emit }: OperationContext,
): void {
  const parts = Object.entries(done).flatMap(([verb, names]) =>
    names.length === 0 ? [] : [`${verb} ${names.join(', ')}`],
  );
  if (parts.length > 0) emit({ type: 'log', level: 'debug', component, message: parts.join('; ') });
}

interface Delivery {
  component: string;
  releases: readonly HelmRelease[];
  objects: readonly KubernetesObject[];
}

/** What the releases' own pods name, Secrets above all: Helm waits for these pods. */
async function prepareReleases(
  { client, inventory, render: { stack } }: StartScope,
  { component, releases, objects }: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const first = objects.filter((object) => !comesAfter(object, releases));
  if (releases.length === 0 || first.length === 0) return;
  await applyComponent(client, inventory, { stack, component, objects: first, partly: true }, signal);
}

/** One after the other, because a chart may use what the one before it brings. */
async function installReleases(
  scope: StartScope,
  component: string,
  releases: readonly HelmRelease[],
  context: OperationContext,
): Promise<void> {
  if (releases.length === 0) return;
  const { client, inventory, options, render } = scope;
  const helm = await openHelm(client, options);
  const known = (await inventory.read(context.signal)).get(component) ?? [];
  const present = await helm.list(null, context.signal);
  for (const release of releases) {
    context.signal.throwIfAborted();
    const own = known.some((ref) => nameOf(ref) === nameOf(releaseRef(release)));
    const taken = present.find(({ name, namespace }) => name === release.name && namespace === release.namespace);
    if (taken !== undefined && !own) refuseRelease(release, render.stack);
    // Noted first: an installation that is interrupted is ours as well.
    if (!own) await inventory.write(component, [...known, ...releases.map(releaseRef)], context.signal);
    await helm.upgradeInstall(release, context);
  }
}

function refuseRelease({ name, namespace }: HelmRelease, stack: string): never {
  throw externalError(
    `There is a Helm release ${name} in namespace ${namespace} that stack "${stack}" did not install; it is left alone.`,
    {
      code: 'NAME_TAKEN',
      details: { release: name, namespace },
      actions: [
        `Look at it: helm -n ${namespace} status ${name}`,
        'Name other namespaces in a profile of your own: kubernetes.namespaces (docs/kubernetes.md).',
      ],
    },
  );
}

/** Waits until the API server serves the kind of every object. @throws LambdaError DEFINITION_MISSING naming what the cluster lacks */
async function waitForKinds(
  client: ClusterClient,
  objects: readonly KubernetesObject[],
  signal: AbortSignal,
): Promise<void> {
  const kinds = new Map<string, ObjectRef>(objects.map((object) => [`${object.apiVersion} ${object.kind}`, object]));
  const end = performance.now() + kindsMs;
  for (const [name, { apiVersion, kind }] of kinds) {
    // What Kubernetes itself brings is there or never comes.
    const patient = apiVersion.split('/')[0]?.endsWith('.k8s.io') === false && apiVersion.includes('.');
    while (!(await client.serves(apiVersion, kind, signal))) {
      if (!patient || performance.now() > end) throw unknownKind(name);
      await delay(1_000, undefined, { signal });
    }
  }
}

function unknownKind(name: string) {
  return externalError(`The cluster does not know ${name}.`, {
    code: 'DEFINITION_MISSING',
    details: { kind: name },
    actions: [
      'It comes with an operator whose chart brings its definitions: see helm list -A, and docs/operators.md for the versions.',
      'Or take our own StatefulSets instead: kubernetes.delivery in a profile of your own.',
    ],
  });
}
