/** Labels by which objects are found again, on everything that is made. */
export const labelNames = {
  stack: 'lambdactl.dev/stack',
  /** Component, job, or "base"; what is applied and pruned together. */
  component: 'lambdactl.dev/component',
  /** On pods: which StatefulSet's; Services select by it. */
  instance: 'lambdactl.dev/instance',
  job: 'lambdactl.dev/job',
  run: 'lambdactl.dev/run',
} as const;

/** Hash of everything that a pod is made of, with the content of its config files: another one restarts it. */
export const specHashAnnotation = 'lambdactl.dev/spec-hash';

/** Component label of what belongs to no component: namespaces, accounts, policies. */
export const baseComponent = 'base';

export function labelsOf(stack: string, component: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': component,
    'app.kubernetes.io/instance': stack,
    'app.kubernetes.io/managed-by': 'lambdactl',
    'app.kubernetes.io/part-of': 'lambdactl',
    [labelNames.stack]: stack,
    [labelNames.component]: component,
  };
}

/** Of the pods of a component or of a job. */
export function podsOf(stack: string, component: string): Record<string, string> {
  return { [labelNames.stack]: stack, [labelNames.component]: component };
}

/** Of the one pod of an instance. */
export function podOf(stack: string, instance: string): Record<string, string> {
  return { [labelNames.stack]: stack, [labelNames.instance]: instance };
}
