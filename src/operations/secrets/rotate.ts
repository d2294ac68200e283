import { catalogue } from '../../components/catalogue.ts';
import { type ComponentDefinition, dependenciesOf } from '../../components/contract.ts';
import { LambdaError, preflightError } from '../../core/errors.ts';
import { type OperationContext, step } from '../../core/events.ts';
import { runByDependency } from '../../core/graph.ts';
import type { ComponentName } from '../../platform/pipeline.ts';
import type { Profile } from '../../platform/profile.ts';
import { openPostgres } from '../../probes/postgres.ts';
import { commitSecrets, stagedOf, stageSecrets } from '../../state/secrets.ts';
import { provision } from '../provision/index.ts';
import { type OpenStack, openStack, projectRoot, type StackRef } from '../stack.ts';
import { planRotation, type Rotation, type RotationPlan, superuser } from './rotation.ts';
import { lastSealing } from './sealed-directory.ts';

export interface SecretsRotateRequest extends StackRef {
  /** Credentials or components; all when empty. */
  names: readonly string[];
  dryRun: boolean;
  /** Asked once, before anything changes, with what will be restarted. */
  confirm: (plan: RotationPlan, running: readonly ComponentName[]) => Promise<boolean>;
}

export interface SecretsRotateReport {
  stack: string;
  dryRun: boolean;
  rotated: readonly { id: string; how: string }[];
  refused: readonly { id: string; reason: string }[];
  /** Restarted; of a dry run: what would be. Empty where nothing runs: the next `up` does the rest. */
  restarted: readonly ComponentName[];
  running: boolean;
  /** Directory of sealed files, which hold the old values; null when none were made. */
  stale: string | null;
}

/**
 * New generated passwords. The stack's secrets are changed first, all at once; then servers are told and what uses them is started anew in
 * dependency order, which is what `up` does as well: an interrupted rotation is completed by `lambdactl up`. Ended before that, while the
 * superuser's password is changed, it is completed by rotating it again.
 * @throws LambdaError SECRET_UNKNOWN, SECRET_NOT_ROTATABLE, CONFIRMATION_NEEDED, NOT_UP, STACK_BUSY
 */
export async function rotateSecrets(
  request: SecretsRotateRequest,
  outer: OperationContext,
): Promise<SecretsRotateReport> {
  const stack = await openStack(request);
  const profile = requireProfile(stack);
  const { names: running, chosen } = await runningComponents(stack);
  const plan = withoutSuperuser(planRotation(request.names, profile, chosen, keepersOf(stack)), request, running);
  const restarts = inOrder(running, plan.rotations);
  const report = {
    stack: stack.name,
    dryRun: request.dryRun,
    rotated: plan.rotations.map(({ id, how }) => ({ id, how })),
    refused: plan.refused,
    restarted: restarts,
    running: running.length > 0,
    stale: (await lastSealing(stack.paths))?.directory ?? null,
  };
  if (request.dryRun || plan.rotations.length === 0) return report;
  if (!(await request.confirm(plan, restarts))) throw notConfirmed(restarts);

  return stack.exclusively('secrets rotate', outer, async (context) => {
    await step(context, { id: 'rotate', title: 'New secrets' }, async () => {
      await replace(stack, plan.rotations);
      return { value: undefined, detail: plan.rotations.map(({ id }) => id).join(', ') };
    });
    if (running.length > 0) await apply(stack, profile, plan.rotations, running, context);
    return report;
  });
}

function requireProfile({ profile, name }: OpenStack): Profile {
  if (profile !== null) return profile;
  throw preflightError(`Stack "${name}" was never up: it has no secrets yet.`, {
    code: 'NOT_UP',
    actions: ['lambdactl up'],
  });
}

/** In a cluster Airflow's pod is given the whole stack, for the lambdactl that its tasks run (docs/in-cluster.md). */
const keepersOf = ({ runtime }: OpenStack): readonly ComponentName[] =>
  runtime.kind === 'kubernetes' ? ['airflow'] : [];

const resting: readonly string[] = ['pending', 'stopped', 'failed'];

async function runningComponents(stack: OpenStack) {
  const { services } = await stack.runtime.observe();
  const active = new Set(services.flatMap(({ component, state }) => (resting.includes(state) ? [] : [component])));
  const known = new Set([...active, ...services.map(({ component }) => component)]);
  // A stack at rest may show no service at all: then its credentials are those of everything there is.
  const chosen = known.size === 0 ? catalogue : catalogue.filter(({ name }) => known.has(name));
  return { names: catalogue.map(({ name }) => name).filter((name) => active.has(name)), chosen };
}

/** Only a running server can be told a new password of the one who tells it. */
function withoutSuperuser(
  plan: RotationPlan,
  { names }: SecretsRotateRequest,
  running: readonly ComponentName[],
): RotationPlan {
  if (running.includes('postgres') || !plan.rotations.some(({ id }) => id === superuser)) return plan;
  const reason = 'PostgreSQL must run for it';
  if (names.includes(superuser)) {
    throw preflightError(`${superuser} cannot be rotated now: ${reason}.`, {
      code: 'NOT_UP',
      actions: ['lambdactl up'],
    });
  }
  return {
    rotations: plan.rotations.filter(({ id }) => id !== superuser),
    refused: [...plan.refused, { id: superuser, reason }],
  };
}

/** Running components whose settings hold one of the secrets. */
function inOrder(running: readonly ComponentName[], rotations: readonly Rotation[]): ComponentName[] {
  const affected = new Set(rotations.flatMap(({ restarts }) => restarts));
  return running.filter((name) => affected.has(name));
}

/** One write makes all of them valid; the superuser's is told to PostgreSQL before. */
async function replace(stack: OpenStack, rotations: readonly Rotation[]): Promise<void> {
  const needs = rotations.map(({ need }) => need);
  const credentials = await stageSecrets(stack.paths, needs);
  const next = stagedOf(credentials, superuser);
  if (next !== null && rotations.some(({ id }) => id === superuser)) await tellPostgres(stack, next.secret);
  await commitSecrets(
    stack.paths,
    needs.map(({ id }) => id),
  );
}

async function tellPostgres(stack: OpenStack, secret: string): Promise<void> {
  const login = await stack.runtime.endpoint('postgres', 'admin');
  const client = await openPostgres(login, 'postgres').catch(async (error: unknown) => {
    // An earlier rotation was ended between telling the server and remembering it: then the successor opens it already.
    const again = await openPostgres({ ...login, password: secret }, 'postgres').catch(() => null);
    if (again === null) throw error;
    return again;
  });
  try {
    // Generated: letters, digits, "-" and "_" alone.
    await client.execute(`alter role ${login.user} password '${secret}'`);
  } finally {
    await client.close();
  }
}

/** As `up` does it for these components: start replaces what differs, provisioning tells the servers. */
async function apply(
  stack: OpenStack,
  profile: Profile,
  rotations: readonly Rotation[],
  running: readonly ComponentName[],
  context: OperationContext,
): Promise<void> {
  const touched = new Set(rotations.flatMap(({ need, restarts }) => [need.owner, ...restarts]));
  const components = catalogue.filter(({ name }) => touched.has(name) && running.includes(name));
  await stack.install([...new Set(components.flatMap(({ artifacts }) => artifacts))], context);
  await step(context, { id: 'start', title: 'Restart what uses them' }, async () => {
    await runByDependency(
      components.map(({ name }) => name),
      (name) => needsOf(components, name, profile),
      (name) =>
        step(context, { id: `start/${name}`, title: name, parent: 'start' }, async () => {
          await stack.runtime.start(name, context);
          const target = { runtime: stack.runtime, profile, projectRoot };
          return { value: undefined, detail: await provision(name, target, context) };
        }),
    );
    return { value: undefined };
  });
}

function needsOf(components: readonly ComponentDefinition[], name: ComponentName, profile: Profile) {
  const definition = components.find((component) => component.name === name);
  return definition === undefined ? [] : dependenciesOf(definition, profile);
}

function notConfirmed(restarts: readonly ComponentName[]): LambdaError {
  const what = restarts.length === 0 ? '' : ` restarts ${restarts.join(', ')} and`;
  return new LambdaError(`Rotating secrets${what} needs a yes.`, {
    code: 'CONFIRMATION_NEEDED',
    category: 'confirmation',
    actions: ['See what would happen: lambdactl secrets rotate --dry-run', 'Then: lambdactl secrets rotate --yes'],
  });
}
