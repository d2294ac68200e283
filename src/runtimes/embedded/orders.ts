import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import type { ComponentDefinition, InstancePlan, RenderContext } from '../../components/contract.ts';
import { preflightError } from '../../core/errors.ts';
import type { ServiceSpec } from '../../core/service-spec.ts';
import type { DesiredState } from '../../state/desired.ts';
import { isRecord } from '../../state/json-file.ts';
import type { StackPaths } from '../../state/paths.ts';
import { chooseAccount, needsAccount, type ServiceAccount } from '../../supervisor/accounts.ts';
import type { ServiceOrder } from '../../supervisor/options.ts';
import { giveTree, makeDirectory, type Owner, ownerOf, writeIfChanged } from '../../system/files.ts';
import { findExecutable } from '../../system/paths.ts';
import { sorted } from '../sorted.ts';

const kinds = ['data', 'conf', 'run', 'cache'] as const;

export interface PlannedInstance {
  instance: string;
  plan: InstancePlan;
  order: ServiceOrder;
}

/**
 * Renders one instance and decides under which account it runs; writes nothing.
 * @throws LambdaError NO_UNPRIVILEGED_ACCOUNT
 */
export async function planInstance(
  definition: ComponentDefinition,
  instance: string,
  context: RenderContext,
  desired: DesiredState,
): Promise<PlannedInstance> {
  const plan = definition.render(context, instance);
  const account = await accountFor(plan, instance, context, desired);
  return { instance, plan, order: { spec: plan.service, specHash: hashOf(plan, account), account } };
}

async function accountFor(
  { service, files }: InstancePlan,
  instance: string,
  context: RenderContext,
  desired: DesiredState,
): Promise<ServiceAccount> {
  if (!needsAccount(service)) return { kind: 'own' };
  const owns = kinds.map((kind) => context.dir(instance, kind));
  const isOwn = (path: string) => owns.some((dir) => path === dir || path.startsWith(`${dir}/`));
  const commands = [service.command, ...service.prepare.map(({ command }) => command)];
  const touched = [
    ...commands.flatMap(({ executable, cwd }) => [findExecutable(executable) ?? executable, cwd]),
    ...files.map(({ path }) => dirname(path)),
  ];
  const uses = [...new Set(touched)].filter((path) => !isOwn(path));
  const account = await chooseAccount(service.name, { uses, owns }, remembered(desired.accounts[instance]));
  await refuseForeignData(context.dir(instance, 'data'), account);
  return account;
}

/** Data made by another user stays that user's: root does not take it over in passing. */
async function refuseForeignData(dir: string, account: ServiceAccount): Promise<void> {
  const owner = await ownerOf(dir);
  if (owner === null || owner.uid === 0 || (account.kind === 'uid' && account.uid === owner.uid)) return;
  throw preflightError(`${dir} belongs to uid ${owner.uid}.`, {
    code: 'DATA_OF_ANOTHER_USER',
    actions: ['Run lambdactl as that user.', 'Or use another directory: --home /srv/lambdactl'],
    details: { directory: dir, uid: owner.uid },
  });
}

function remembered(value: unknown): ServiceAccount | undefined {
  if (!isRecord(value)) return undefined;
  if (value.kind === 'mapped') return { kind: 'mapped' };
  return value.kind === 'uid' ? { kind: 'uid', uid: Number(value.uid), gid: Number(value.gid) } : undefined;
}

/** Equal as long as neither the command nor any of its config files changed. */
function hashOf(plan: InstancePlan, account: ServiceAccount): string {
  return createHash('sha256')
    .update(JSON.stringify([sorted(plan.service), plan.files.map(sorted), account]))
    .digest('hex')
    .slice(0, 32);
}

/**
 * Makes the instance's directories and config files as planned.
 * @throws LambdaError DISK_FULL, HOME_NOT_WRITABLE
 */
export async function writeInstance({ instance, plan, order }: PlannedInstance, paths: StackPaths): Promise<void> {
  const { account } = order;
  const owner: Owner | undefined = account.kind === 'uid' ? { uid: account.uid, gid: account.gid } : undefined;
  for (const kind of kinds) {
    const dir = paths.dir(instance, kind);
    await makeDirectory(dir, 0o700, { enforce: true });
    if (owner !== undefined) await giveTree(dir, owner);
  }
  for (const { path, content, mode } of plan.files) {
    if (!path.startsWith(`${paths.stackDir}/`))
      throw new Error(`${instance} wants to write outside the stack: ${path}`);
    await makeParents(path, paths, instance, owner);
    await writeIfChanged(path, content, owner === undefined ? { mode } : { mode, owner });
  }
}

async function makeParents(path: string, paths: StackPaths, instance: string, owner: Owner | undefined): Promise<void> {
  const top = kinds.map((kind) => paths.dir(instance, kind)).find((dir) => path.startsWith(`${dir}/`));
  if (top === undefined || dirname(path) === top) return;
  const missing: string[] = [];
  for (let at = dirname(path); at !== top; at = dirname(at)) missing.unshift(at);
  for (const dir of missing) {
    await makeDirectory(dir, 0o700);
    if (owner !== undefined) await giveTree(dir, owner);
  }
}

/** Whether a service carries another component's instance name, which would mix up their directories. */
export function checkNames(spec: ServiceSpec, instance: string, definition: ComponentDefinition): void {
  if (spec.name !== instance || spec.component !== definition.name) {
    throw new Error(`${definition.name} rendered "${spec.name}" of "${spec.component}" for instance ${instance}`);
  }
}
