import { catalogue } from '../components/catalogue.ts';
import { type OperationContext, step } from '../core/events.ts';
import { componentName } from './selection.ts';
import { openStack, type StackRef } from './stack.ts';

/** Stops one component and starts it again. @throws LambdaError UNKNOWN_COMPONENT, NOT_UP */
export async function restart(request: StackRef & { component: string }, outer: OperationContext) {
  const component = componentName(request.component);
  const stack = await openStack(request);
  return stack.exclusively('restart', outer, async (context) => {
    await stack.requireUp();
    const definition = catalogue.find(({ name }) => name === component);
    await stack.install(definition?.artifacts ?? [], context);
    const title = `Restart ${component}`;
    return step(context, { id: 'restart', title }, async () => {
      const started = performance.now();
      await stack.runtime.stop([component], context);
      await stack.runtime.start(component, context);
      return { value: { component, elapsedMs: performance.now() - started } };
    });
  });
}
