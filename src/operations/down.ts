import { LambdaError, usageError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { hasProcess } from '../core/service-spec.ts';
import { forgetStack, hasKindCluster } from './cluster-stack.ts';
import { kindClusterFor } from './runtime-choice.ts';
import { type OpenStack, openStack, type StackRef } from './stack.ts';

export interface DownRequest extends StackRef {
  volumes: boolean;
  /** With volumes: where the cluster cannot be reached, what this machine keeps of the stack is removed all the same. */
  forget: boolean;
  confirmed: boolean;
}

export interface DownReport {
  stack: string;
  stopped: readonly string[];
  volumesDeleted: boolean;
  /** Why the cluster could not be asked, where the stack was forgotten for that; what may be left there stays. */
  forgotten: string | null;
}

/** Stops everything in reverse dependency order. @throws LambdaError CONFIRMATION_NEEDED, STACK_BUSY; BAD_USAGE of forgetting a stack of this machine */
export async function down(request: DownRequest, outer: OperationContext): Promise<DownReport> {
  if (request.volumes && !request.confirmed) {
    throw new LambdaError(`Deleting all data of stack "${request.stack}" needs a yes.`, {
      code: 'CONFIRMATION_NEEDED',
      category: 'confirmation',
      actions: ['lambdactl down --volumes --yes'],
    });
  }
  const stack = await openStack(request);
  if (request.forget && stack.present?.runtime === 'embedded') {
    throw usageError(`Stack "${stack.name}" runs on this machine: there is no cluster to forget.`, {
      code: 'BAD_USAGE',
      actions: ['lambdactl down --volumes'],
    });
  }
  await findCluster(stack);
  return stack.exclusively('down', outer, async (context) => {
    try {
      const stopped = await end(stack, request, context);
      return { stack: stack.name, stopped, volumesDeleted: request.volumes, forgotten: null };
    } catch (error) {
      if (!request.volumes || !isGone(error) || stack.cluster === null) throw error;
      if (!request.forget) throw withForgetting(error, stack.name);
      await step(context, { id: 'forget', title: 'Forget the stack' }, async () => {
        await forgetStack(stack);
        return { value: undefined };
      });
      return { stack: stack.name, stopped: [], volumesDeleted: false, forgotten: error.message };
    }
  });
}

/** @returns instances that were running */
async function end(stack: OpenStack, { volumes }: DownRequest, context: OperationContext): Promise<string[]> {
  // A cluster of our own goes as a whole, whatever state it is in.
  const asWhole = volumes && stack.cluster !== null && stack.cluster.kind !== null;
  const running = asWhole ? [] : await stop(stack, context);
  if (!volumes) return running;
  await step(context, { id: 'destroy', title: 'Delete data' }, async () => {
    await stack.runtime.destroy(context);
    return { value: undefined };
  });
  return running;
}

/** What the runtime says of a cluster that is not there any more, or not for this user. */
const goneCodes: readonly string[] = [
  'CLUSTER_FORBIDDEN',
  'CLUSTER_LOGIN',
  'CLUSTER_UNREACHABLE',
  'CONTEXT_UNKNOWN',
  'KIND_NAME_TAKEN',
  'KUBECONFIG_BROKEN',
  'NO_CONTAINER_ENGINE',
];

const isGone = (error: unknown): error is LambdaError => error instanceof LambdaError && goneCodes.includes(error.code);

function withForgetting(error: LambdaError, stack: string): LambdaError {
  const named = stack === 'default' ? '' : ` --stack ${stack}`;
  return new LambdaError(error.message, {
    ...{ code: error.code, category: error.category, details: error.details, retryable: error.retryable },
    actions: [...error.actions, `If the cluster is gone for ever: lambdactl down --volumes --forget${named}`],
    cause: error,
  });
}

/** An `up` that was interrupted while it made its cluster has not decided yet; what there is of the cluster goes all the same. */
async function findCluster(stack: OpenStack): Promise<void> {
  if (stack.present !== null) return;
  const cluster = kindClusterFor(stack.name);
  if (await hasKindCluster(stack.home, cluster.kind ?? '')) await stack.choose({ cluster });
}

/** @returns instances that were running */
async function stop(stack: OpenStack, context: OperationContext): Promise<string[]> {
  const observed = await stack.runtime.observe();
  const running = observed.services.filter(hasProcess).map(({ name }) => name);
  await step(context, { id: 'stop', title: 'Stop components' }, async () => {
    await stack.runtime.stop(undefined, context);
    return { value: undefined, detail: running.length > 0 ? running.join(', ') : 'nothing was running' };
  });
  return running;
}
