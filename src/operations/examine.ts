import { withNeeds } from '../artifacts/names.ts';
import { lookUpPython } from '../artifacts/python.ts';
import { type MachineContext, type Reading, valueIn } from '../checks/machine.ts';
import { catalogue } from '../components/catalogue.ts';
import type { ComponentDefinition } from '../components/contract.ts';
import { memoryBudgetMiB, type Profile } from '../platform/profile.ts';
import type { ObservedStack } from '../runtimes/contract.ts';
import { readDesired } from '../state/desired.ts';
import { readObserved } from '../state/observed.ts';
import { stackPaths } from '../state/paths.ts';
import { readSecrets } from '../state/secrets.ts';
import { supervisorAlive } from '../supervisor/reap.ts';
import { hostFacts } from '../system/host.ts';
import { currentUmask, resolveHome, temporaryDir } from '../system/paths.ts';
import { kubernetesView } from './kubernetes-view.ts';
import { loadProfile } from './profiles.ts';
import { artifactStore, type Choice, OpenStack, packageVersion, projectRoot, type StackRef } from './stack.ts';

/** A supervisor that answers does so in milliseconds; of a cluster the client must be loaded first. */
const answerMs = { machine: 1_000, cluster: 3_000 };

export interface Limits {
  /** ms that one check may take. */
  budgetMs: number;
  signal: AbortSignal;
}

export interface Examined {
  stack: OpenStack;
  context: MachineContext;
}

/**
 * Opens a stack for looking at it, in whatever state it is: a file that cannot be read, or a supervisor that does not answer, is a fact
 * among others.
 * @throws LambdaError BAD_STACK_NAME
 */
export async function examine(ref: StackRef, limits: Limits): Promise<Examined> {
  const paths = stackPaths(resolveHome(ref.home), ref.stack);
  const files = await readFiles(paths);
  const desired = valueIn(files.desired);
  const stack = new OpenStack(paths, artifactStore(ref), desired, valueIn(files.credentials) ?? {});
  // Looking up Python is left to the check that asks for it.
  await stack.connect();
  const profile = stack.profile ?? (await namedProfile(desired?.profile.name));
  const known = catalogue.filter(({ name }) => desired?.components.includes(name) ?? false);
  const components = known.length > 0 ? known : catalogue;
  const choice = { profile, components, ports: {}, anyPort: false };
  const context = await contextOf(stack, choice, { files, wanted: known }, limits);
  return { stack, context };
}

/** What the checks of `up` look at: the machine against what is chosen now. */
export async function examineFor(stack: OpenStack, choice: Choice, limits: Limits): Promise<MachineContext> {
  const files = await readFiles(stack.paths);
  const names = valueIn(files.desired)?.components ?? [];
  const wanted = catalogue.filter(({ name }) => names.includes(name));
  return contextOf(stack, choice, { files, wanted }, limits);
}

async function contextOf(
  stack: OpenStack,
  choice: Choice,
  { files, wanted }: { files: MachineContext['files']; wanted: readonly ComponentDefinition[] },
  limits: Limits,
): Promise<MachineContext> {
  const { profile, components } = choice;
  const names = components.map(({ name }) => name);
  const { services, supervisor } = await observed(stack, files);
  return {
    ...limits,
    paths: stack.paths,
    profile,
    wanted: wanted.map(({ name }) => name),
    services,
    supervisor,
    ports: stack.ports,
    endpoint: (component, protocol) => stack.runtime.endpoint(component, protocol),
    now: Date.now(),
    version: await packageVersion(),
    projectRoot,
    host: hostFacts(),
    environment: process.env,
    umask: currentUmask(),
    temporaryDir: temporaryDir(),
    chosen: components.map(({ name, credentials }) => ({ name, credentials: credentials.map(({ id }) => id) })),
    whole: names.length >= catalogue.length,
    budgetMiB: memoryBudgetMiB(profile, names),
    files,
    kubernetes: kubernetesView({
      desired: valueIn(files.desired),
      home: stack.home,
      projectRoot,
      stack: stack.name,
      signal: limits.signal,
    }),
    ...questions(stack, choice, files, limits),
  };
}

function questions(stack: OpenStack, choice: Choice, files: MachineContext['files'], { signal }: Limits) {
  const { profile, components } = choice;
  const needs = withNeeds(components.flatMap(({ artifacts }) => artifacts));
  return {
    // Several checks ask; looking at all files costs most of what doctor costs.
    artifacts: once(() => artifactFacts(stack, needs)),
    unusedArtifacts: () => stack.artifacts.unused(),
    planPorts: () => stack.planPorts(choice),
    python: () => lookUpPython(),
    plan: async () => {
      // Pods have theirs in their images.
      if (stack.cluster === null && (await stack.artifacts.missing(needs)).length > 0) return null;
      // Another one than the checks ask at the same time: rendering needs its artifacts.
      const { paths, artifacts } = stack;
      const rendering = new OpenStack(paths, artifacts, valueIn(files.desired), valueIn(files.credentials) ?? {});
      await rendering.install(needs, { emit: () => {}, signal });
      return rendering.runtime.plan({ stack: stack.name, profile, components });
    },
  } satisfies Partial<MachineContext>;
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

async function artifactFacts(stack: OpenStack, needs: readonly string[]) {
  const listed = (await stack.artifacts.list()).filter(({ name }) => needs.includes(name));
  return listed.map(({ name, version, installed, present, bytes, downloadBytes }) => {
    const state = installed ? ('installed' as const) : present ? ('damaged' as const) : ('missing' as const);
    return { name, version, state, bytes, downloadBytes };
  });
}

async function readFiles(paths: ReturnType<typeof stackPaths>): Promise<MachineContext['files']> {
  const [desired, observed, credentials] = await Promise.all([
    reading(readDesired(paths)),
    reading(readObserved(paths)),
    reading(readSecrets(paths)),
  ]);
  return { desired, observed, credentials };
}

async function reading<T>(read: Promise<T | null>): Promise<Reading<T>> {
  try {
    return { value: await read };
  } catch (error) {
    return { error };
  }
}

async function namedProfile(name: unknown): Promise<Profile> {
  if (typeof name !== 'string') return loadProfile('lite');
  // A file of the user's is not found again by its name; lite then stands for it.
  return loadProfile(name).catch(() => loadProfile('lite'));
}

/** Asked of the supervisor; where it does not answer in time, what it last wrote. */
async function observed(stack: OpenStack, files: MachineContext['files']) {
  const told = await withinTime(stack.runtime.observe(), stack.cluster === null ? answerMs.machine : answerMs.cluster);
  const record = valueIn(files.observed);
  const services = told?.services ?? record?.services.map(({ status }) => status) ?? [];
  const present = record?.supervisor;
  const supervisor =
    present == null || !supervisorAlive(record)
      ? null
      : // Its own memory is told by the supervisor alone, never by the record.
        { pid: present.pid, version: present.version, answers: told != null && told.supervisorPssBytes !== null };
  return { services, supervisor };
}

async function withinTime(asked: Promise<ObservedStack>, ms: number): Promise<ObservedStack | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((settle) => {
    timer = setTimeout(() => settle(null), ms);
  });
  try {
    return await Promise.race([asked.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
