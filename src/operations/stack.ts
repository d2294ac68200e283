import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../artifacts/python.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { openArtifactStore } from '../artifacts/store.ts';
import { catalogue } from '../components/catalogue.ts';
import type { ArtifactName, ComponentDefinition, JobDefinition } from '../components/contract.ts';
import { LambdaError } from '../core/errors.ts';
import { type OperationContext, onceItProgresses } from '../core/events.ts';
import { hasProcess } from '../core/service-spec.ts';
import { type Profile, profileSchema } from '../platform/profile.ts';
import type { JobRequest, JobResult, Runtime } from '../runtimes/contract.ts';
import { createEmbeddedRuntime, ownProcesses } from '../runtimes/embedded/runtime.ts';
import { type ClusterRef, type DesiredState, readDesired, updateDesired } from '../state/desired.ts';
import { appendJournal, trimJournal } from '../state/journal.ts';
import { withLock } from '../state/lock.ts';
import { createStackDirs, type StackPaths, stackPaths } from '../state/paths.ts';
import { allocatePorts, portsOfOtherStacks } from '../state/ports.ts';
import { type Credentials, readSecrets } from '../state/secrets.ts';
import { readIfExists, remove } from '../system/files.ts';
import { resolveHome } from '../system/paths.ts';
import { openKubernetes } from './cluster-stack.ts';
import { ensureCredentials } from './credentials.ts';
import type { RuntimeChoice } from './runtime-choice.ts';

/** Where the files that ship with lambdactl lie; the same from src and from dist. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

const host = '127.0.0.1';

/** Version of lambdactl. */
export async function packageVersion(): Promise<string> {
  const text = await readIfExists(join(projectRoot, 'package.json'));
  const version: unknown = text === null ? null : JSON.parse(text).version;
  return typeof version === 'string' ? version : 'unknown';
}

/** As the global flags name it. */
export interface StackRef {
  /** Default ~/.lambdactl. */
  home: string | undefined;
  stack: string;
}

export interface Choice {
  profile: Profile;
  components: readonly ComponentDefinition[];
  /** Fixed ports by id. */
  ports: Readonly<Record<string, number>>;
  anyPort: boolean;
}

export function artifactStore({ home }: StackRef): ArtifactStore {
  return openArtifactStore({ home: resolveHome(home), projectRoot });
}

/** @throws LambdaError BAD_STACK_NAME, STATE_CORRUPT */
export async function openStack(ref: StackRef): Promise<OpenStack> {
  const paths = stackPaths(resolveHome(ref.home), ref.stack);
  const stack = new OpenStack(paths, artifactStore(ref), await readDesired(paths), await readSecrets(paths));
  await stack.connect();
  return stack;
}

/** A stack as an operation works with it: what is desired, its credentials, its runtime. */
export class OpenStack {
  readonly paths: StackPaths;
  readonly artifacts: ArtifactStore;
  private desired: DesiredState | null;
  private credentials: Credentials;
  private connected: Runtime | null = null;
  /** What this `up` chose; before it decides, and in other commands, what the last one did. */
  private chosen: Pick<RuntimeChoice, 'cluster'> | null = null;

  constructor(paths: StackPaths, artifacts: ArtifactStore, desired: DesiredState | null, credentials: Credentials) {
    this.paths = paths;
    this.artifacts = artifacts;
    this.desired = desired;
    this.credentials = credentials;
  }

  get name(): string {
    return this.paths.stack;
  }

  get home(): string {
    return this.paths.home;
  }

  get ports(): Readonly<Record<string, number>> {
    return this.desired?.ports ?? {};
  }

  /** The profile of the last `up`; null when there was none or it is of another version of lambdactl. */
  get profile(): Profile | null {
    const parsed = profileSchema.safeParse(this.desired?.profile);
    return parsed.success ? parsed.data : null;
  }

  /** What the last `up` decided; null before the first. */
  get present(): Pick<DesiredState, 'runtime' | 'cluster'> | null {
    return this.desired;
  }

  /** The cluster that it runs in; null with the embedded runtime. */
  get cluster(): ClusterRef | null {
    return this.chosen === null ? (this.desired?.cluster ?? null) : this.chosen.cluster;
  }

  get runtime(): Runtime {
    if (this.connected === null) throw new Error('the stack is not connected');
    return this.connected;
  }

  /** Opens the runtime; starting components needs `install` first. */
  async connect(artifacts: Awaited<ReturnType<ArtifactStore['ensure']>> | null = null): Promise<void> {
    const { home, name: stack, cluster } = this;
    if (cluster !== null) {
      // The same one, as long as it is the same cluster: ports that are led there belong to it.
      if (this.connected?.kind !== 'kubernetes')
        this.connected = await openKubernetes({ home, stack, cluster, projectRoot });
      return;
    }
    this.connected = createEmbeddedRuntime({
      home,
      stack,
      projectRoot,
      version: await packageVersion(),
      components: catalogue,
      artifacts,
      // Needed where something is rendered; looking it up costs a process.
      python: artifacts === null ? '' : await findPython(),
    });
  }

  /** Settles the runtime that this `up` is to work with; remembered by `desire`. */
  async choose(choice: Pick<RuntimeChoice, 'cluster'>): Promise<void> {
    this.chosen = choice;
    this.connected = null;
    await this.connect();
  }

  /** Installs what is missing and opens the runtime with it. In a cluster programs come in images: nothing is installed. */
  async install(names: readonly ArtifactName[], context: OperationContext): Promise<void> {
    if (this.cluster !== null) return this.connect();
    await this.connect(await this.artifacts.ensure(names, context));
  }

  /** Runs a job to its end, installing first what it lacks; an installation that fetches nothing is not told. */
  async run(job: JobDefinition, request: JobRequest, context: OperationContext): Promise<JobResult> {
    await this.install(job.artifacts, onceItProgresses(context));
    return this.runtime.run(job, request, context);
  }

  /**
   * One changing operation at a time, each step of it journalled.
   * @param work gets the context whose events reach the journal
   * @throws LambdaError STACK_BUSY naming the other operation
   */
  async exclusively<T>(
    operation: string,
    context: OperationContext,
    work: (context: OperationContext) => Promise<T>,
  ): Promise<T> {
    await createStackDirs(this.paths);
    return withLock(this.paths.lockDir, { command: `lambdactl ${operation}` }, async () => {
      // A journal that cannot be written (disk full) stops nothing.
      let written: Promise<unknown> = trimJournal(this.paths).catch(() => undefined);
      const record = (step: string, outcome: 'begun' | 'done' | 'failed', detail?: string) => {
        const entry = { operation, step, outcome, ...(detail === undefined ? {} : { detail }) };
        written = written.then(() => appendJournal(this.paths, entry)).catch(() => undefined);
      };
      const emit: OperationContext['emit'] = (event) => {
        context.emit(event);
        if (event.type !== 'step' || event.status === 'pending') return;
        const outcome = event.status === 'running' ? 'begun' : event.status === 'failed' ? 'failed' : 'done';
        record(event.id, outcome, event.detail);
      };
      try {
        return await work({ ...context, emit });
      } finally {
        await written;
        // The last steps of deleting a stack must not leave a journal of nothing behind.
        if ((await readIfExists(this.paths.desiredFile)) === null) await remove(this.paths.journalFile);
      }
    });
  }

  /** @throws LambdaError NOT_UP */
  async requireUp(): Promise<void> {
    const { services } = await this.runtime.observe();
    if (services.some(hasProcess)) return;
    throw new LambdaError(`Stack "${this.name}" is not up.`, {
      code: 'NOT_UP',
      category: 'preflight',
      actions: [this.name === 'default' ? 'lambdactl up' : `lambdactl up --stack ${this.name}`],
    });
  }

  /** Ports that `desire` would take; remembers nothing. @throws LambdaError PORT_BUSY */
  async planPorts(choice: Choice): Promise<Readonly<Record<string, number>>> {
    const { profile, components, ports, anyPort } = choice;
    const needs = components.flatMap((component) => component.ports(profile));
    // Held by the container engine, or by a lambdactl that leads them into the cluster: who opens them sees whether that is so.
    const kept =
      this.cluster === null || this.desired?.cluster == null
        ? []
        : needs.filter(({ id }) => id in this.ports && !(id in ports));
    const ours = await ownProcesses(this.home, this.name);
    const allocated = await allocatePorts(
      needs.filter((need) => !kept.includes(need)),
      {
        stack: this.name,
        host,
        explicit: ports,
        anyPort,
        remembered: this.ports,
        reserved: await portsOfOtherStacks(this.paths),
        isOurs: (pid) => ours.has(pid),
      },
    );
    return { ...Object.fromEntries(kept.map(({ id }) => [id, this.ports[id] ?? 0])), ...allocated };
  }

  /** Settles ports (those given, where they were planned before) and credentials and writes the desired state. @throws LambdaError PORT_BUSY */
  async desire(choice: Choice, planned?: Readonly<Record<string, number>>): Promise<void> {
    const { cluster } = this;
    const ports = planned ?? (await this.planPorts(choice));
    const pins = Object.fromEntries((await this.artifacts.list()).map(({ name, version }) => [name, version]));
    const images = cluster === null ? {} : { images: await tagOfImages() };
    const runtime = cluster === null ? 'embedded' : 'kubernetes';
    this.credentials = await ensureCredentials(this.paths, { ...choice, runtime });
    this.desired = await updateDesired(this.paths, (present) => ({
      runtime,
      cluster,
      profile: choice.profile,
      components: choice.components.map(({ name }) => name),
      ports: { ...present.ports, ...ports },
      pins: { ...pins, ...images },
    }));
    await this.connect();
  }

  user(credential: string): string {
    return this.credential(credential).user;
  }

  secret(credential: string): string {
    return this.credential(credential).secret;
  }

  memoryBudgetBytes(component: string): number | null {
    const budgets: Readonly<Record<string, { memoryMiB: number }>> = this.profile?.components ?? {};
    const budget = budgets[component];
    return budget === undefined ? null : budget.memoryMiB * 1_048_576;
  }

  /** PSS of all instances of a component, null while it was not yet measured. */
  async memoryInUse(component: string): Promise<number | null> {
    const { services } = await this.runtime.observe();
    const measured = services.flatMap((each) => (each.component === component ? [each.pssBytes] : []));
    return measured.some((bytes) => bytes === null)
      ? null
      : measured.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
  }

  private credential(id: string) {
    const found = this.credentials[id];
    if (found !== undefined) return found;
    throw new LambdaError(`Stack "${this.name}" has no credential "${id}" yet.`, {
      code: 'NOT_UP',
      category: 'preflight',
      actions: ['lambdactl up'],
    });
  }
}

/** Loaded where a stack runs in a cluster: everything else does without. */
async function tagOfImages(): Promise<string> {
  const { imageTag } = await import('./images/tag.ts');
  return imageTag({ projectRoot });
}
