import { LambdaError } from '../core/errors.ts';
import { type OperationContext, step } from '../core/events.ts';
import { hasProcess } from '../core/service-spec.ts';
import { hasKindCluster } from './cluster-stack.ts';
import { kindClusterFor } from './runtime-choice.ts';
import { type OpenStack, openStack, type StackRef } from './stack.ts';

export interface DownRequest extends StackRef {
  volumes: boolean;
  confirmed: boolean;
}

export interface DownReport {
  stack: string;
  stopped: readonly string[];
  volumesDeleted: boolean;
}

/** Stops everything in reverse dependency order. @throws LambdaError CONFIRMATION_NEEDED, STACK_BUSY */
export async function down(request: DownRequest, outer: OperationContext): Promise<DownReport> {
  if (request.volumes && !request.confirmed) {
    throw new LambdaError(`Deleting all data of stack "${request.stack}" needs a yes.`, {
      code: 'CONFIRMATION_NEEDED',
      category: 'confirmation',
      actions: ['lambdactl down --volumes --yes'],
    });
  }
  const stack = await openStack(request);
  await findCluster(stack);
  return stack.exclusively('down', outer, async (context) => {
    // A cluster of our own goes as a whole, whatever state it is in.
    const asWhole = request.volumes && stack.cluster !== null && stack.cluster.kind !== null;
    const running = asWhole ? [] : await stop(stack, context);
    if (request.volumes) {
      await step(context, { id: 'destroy', title: 'Delete data' }, async () => {
        await stack.runtime.destroy(context);
        return { value: undefined };
      });
    }
    return { stack: request.stack, stopped: running, volumesDeleted: request.volumes };
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
