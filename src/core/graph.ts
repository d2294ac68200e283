import { LambdaError } from './errors.ts';

/**
 * Runs every node as soon as all nodes it depends on are done; independent nodes run at the same time.
 * After a failure what runs is awaited, what waits is not begun, and the first error is thrown.
 * @param dependsOn may name nodes that are not in `nodes`; they count as done
 * @throws LambdaError DEPENDENCY_CYCLE
 */
export async function runByDependency<T extends string>(
  nodes: readonly T[],
  dependsOn: (node: T) => readonly T[],
  run: (node: T) => Promise<void>,
): Promise<void> {
  inDependencyOrder(nodes, dependsOn);
  const failures: unknown[] = [];
  const done = new Map<T, Promise<boolean>>();
  const finish = (node: T): Promise<boolean> => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const result = (async () => {
      const needs = dependsOn(node).filter((other) => nodes.includes(other));
      const ready = (await Promise.all(needs.map(finish))).every(Boolean);
      if (!ready || failures.length > 0) return false;
      try {
        await run(node);
        return true;
      } catch (error) {
        failures.push(error);
        return false;
      }
    })();
    done.set(node, result);
    return result;
  };
  await Promise.all(nodes.map(finish));
  if (failures.length > 0) throw failures[0];
}

/** Dependencies before dependents; stable otherwise. @throws LambdaError DEPENDENCY_CYCLE */
export function inDependencyOrder<T extends string>(nodes: readonly T[], dependsOn: (node: T) => readonly T[]): T[] {
  const order: T[] = [];
  const visiting = new Set<T>();
  const visit = (node: T) => {
    if (order.includes(node)) return;
    if (visiting.has(node)) {
      throw new LambdaError(`Components depend on each other: ${[...visiting, node].join(' → ')}.`, {
        code: 'DEPENDENCY_CYCLE',
        category: 'bug',
      });
    }
    visiting.add(node);
    for (const other of dependsOn(node)) if (nodes.includes(other)) visit(other);
    visiting.delete(node);
    order.push(node);
  };
  for (const node of nodes) visit(node);
  return order;
}
